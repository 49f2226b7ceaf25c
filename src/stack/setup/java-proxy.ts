/** Java does not read the variables that pip, npm and curl take a proxy from: the same as its own options. */

export function javaProxyOptions(env: NodeJS.ProcessEnv): string[] {
  const settingOf = (name: string) => env[name] || env[name.toUpperCase()];
  const options = (["http", "https"] as const).flatMap((scheme) =>
    proxyOptions(scheme, settingOf(`${scheme}_proxy`) ?? settingOf("all_proxy")),
  );
  const direct = hostsOf(settingOf("no_proxy") ?? "");
  // One list for both schemes.
  if (options.length > 0 && direct.length > 0) options.push(`-Dhttp.nonProxyHosts=${direct.join("|")}`);
  return options;
}

function proxyOptions(scheme: "http" | "https", proxy: string | undefined): string[] {
  if (proxy === undefined) return [];
  // Often written without a scheme: proxy.example:3128
  const text = proxy.includes("://") ? proxy : `http://${proxy}`;
  if (!URL.canParse(text)) return [];
  const { hostname, port, protocol } = new URL(text);
  if (protocol.startsWith("socks"))
    return [`-DsocksProxyHost=${hostname}`, `-DsocksProxyPort=${port || 1080}`];
  const usual = protocol === "https:" ? 443 : 80;
  return [`-D${scheme}.proxyHost=${hostname}`, `-D${scheme}.proxyPort=${port || usual}`];
}

/** `example.com` and `.example.com` stand for all below as well; ports and networks Java cannot express. */
function hostsOf(noProxy: string): string[] {
  return noProxy
    .split(/[,\s]+/)
    .map((host) => host.replace(/:\d+$/, "").replace(/^\*?\./, ""))
    .filter((host) => host !== "" && !host.includes("/"))
    .flatMap((host) => (host === "*" || /^[\d.]+$/.test(host) ? [host] : [host, `*.${host}`]));
}
