/** Certificates for the servers of a test, made by openssl. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Authority {
  file: string;
  pem: string;
  keyFile: string;
}

export function makeAuthority(folder: string, name: string): Authority {
  const [file, keyFile] = [path.join(folder, `${name}.crt`), path.join(folder, `${name}.key`)];
  const subject = ["-subj", `/CN=${name}`, "-days", "2", "-nodes"];
  openssl("req", "-x509", "-newkey", "rsa:2048", "-keyout", keyFile, "-out", file, ...subject);
  return { file, pem: readFileSync(file, "utf8"), keyFile };
}

export interface Certificate {
  file: string;
  pem: string;
  /** PKCS#8. */
  keyFile: string;
  key: string;
}

/** `names` as in a certificate: `IP:127.0.0.1`, `DNS:localhost`. */
export function makeCertificate(
  folder: string,
  name: string,
  authority: Authority,
  names: string[],
): Certificate {
  const at = (ending: string) => path.join(folder, `${name}.${ending}`);
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-keyout",
    at("key"),
    "-out",
    at("csr"),
    "-subj",
    `/CN=${name}`,
  );
  writeFileSync(at("ext"), `subjectAltName=${names.join(",")}\n`);
  const signer = ["-CA", authority.file, "-CAkey", authority.keyFile, "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", at("csr"), "-out", at("crt"), "-extfile", at("ext"), ...signer);
  return {
    file: at("crt"),
    pem: readFileSync(at("crt"), "utf8"),
    keyFile: at("key"),
    key: readFileSync(at("key"), "utf8"),
  };
}

export function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}
