/** TLS with servers of others: whom to trust, and what went wrong when they were not. */
import { existsSync, readFileSync } from "node:fs";
import tls from "node:tls";
import type { Tls } from "./connections.ts";

export interface TlsSettings {
  ca: string[];
  cert?: string;
  key?: string;
}

/** For `tls.connect`; the server's name is always checked. */
export function tlsSettings({ ca, client }: Tls): TlsSettings {
  return {
    ca: ca === undefined ? systemAuthorities() : [ca],
    ...(client && { cert: client.certificate, key: client.key }),
  };
}

/** Where Linux distributions and macOS have theirs; Node.js by itself only knows those it brings along. */
const AUTHORITY_FILES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

function systemAuthorities(): string[] {
  const files = [process.env.SSL_CERT_FILE ?? "", process.env.NODE_EXTRA_CA_CERTS ?? "", ...AUTHORITY_FILES];
  const texts = files.filter((file) => existsSync(file)).map((file) => readFileSync(file, "utf8"));
  return [...tls.rootCertificates, ...texts];
}

export interface Trouble {
  /** What happened, the second half of a sentence. */
  why: string;
  hint: string;
}

const REASONS: [codes: RegExp, hint: string][] = [
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/,
    "Give the authority that signed it as {ca}, a file in PEM.",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "Address the server by a name that its certificate has; each broker or node that it names has to have one, too.",
  ],
  [/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/, "Renew the server's certificate, or set this machine's clock."],
  [
    /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/,
    "Is this the port for TLS? A server without TLS is addressed without it.",
  ],
  [
    /^ERR_SSL_.*ALERT/,
    "Give a client certificate and its key that the server accepts: it refused what it was shown.",
  ],
  [
    /^ERR_(OSSL|SSL)_/,
    "Are {ca}, certificate and key PEM files, and is the key not encrypted and the certificate's own?",
  ],
];

/** Undefined for an error that is none of TLS. `ca` is where the user gives an authority. */
export function tlsTrouble(error: unknown, ca = "the connection's `ca`"): Trouble | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const [, hint] = REASONS.find(([codes]) => codes.test(code ?? "")) ?? [];
    // OpenSSL's own lines name threads and source files.
    const said = /SSL routines:[^:]*:([^:]+)/.exec(cause.message)?.[1] ?? cause.message;
    if (hint !== undefined)
      return { why: `no trusted connection: ${said} (${code})`, hint: hint.replace("{ca}", ca) };
  }
  return undefined;
}

/** What to do when there is no connection to `host`; `said` is the error's own text. */
export function reachHint(host: string, said: string): string {
  if (/clos|ECONNRESET|EPIPE/i.test(said))
    return "The server hung up, as one does that wants TLS from a client without it, or a user.";
  return ["127.0.0.1", "localhost", "[::1]"].includes(host)
    ? "Start the stack with `cdc-features up`."
    : "Is the address right, and may this machine reach it?";
}
