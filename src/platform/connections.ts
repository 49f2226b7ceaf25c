/** How servers of others are reached: addresses, and what they ask for before they answer. */

export interface KafkaConnection {
  /** `host:port[,host:port…]` */
  brokers: string;
  tls?: Tls;
  sasl?: Sasl;
  /** Begins the names of the consumer groups that read a topic; `cdc-features-verify` when not given. */
  groupPrefix?: string;
}

export interface Sasl {
  mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
  username: string;
  password: string;
}

export interface Tls {
  /** Authorities in PEM; undefined for those of the system. */
  ca: string | undefined;
  /** The client's own certificate and key in PEM, where the server wants to see one. */
  client?: { certificate: string; key: string };
}

export interface RedisConnection {
  /** `redis[s]://[user:password@]host:port/database` */
  url: string;
  /** A Redis Cluster, of which `url` names one node. */
  cluster?: boolean;
  /** `host:port` of more nodes to begin at. */
  nodes?: string[];
  /** Authorities in PEM, for `rediss:`; undefined for those of the system. */
  ca?: string | undefined;
}
