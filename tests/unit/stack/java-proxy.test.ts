import { expect, it } from "vitest";
import { javaProxyOptions } from "../../../src/stack/setup/java-proxy.ts";

it("Java hears of the proxy that the environment names", () => {
  expect(javaProxyOptions({})).toEqual([]);
  expect(javaProxyOptions({ no_proxy: "localhost" })).toEqual([]);
  expect(
    javaProxyOptions({
      HTTPS_PROXY: "http://user:secret@proxy.corp:3128/",
      http_proxy: "proxy.corp",
      no_proxy: "localhost, 127.0.0.1,.corp:8080,10.0.0.0/8",
    }),
  ).toEqual([
    "-Dhttp.proxyHost=proxy.corp",
    "-Dhttp.proxyPort=80",
    "-Dhttps.proxyHost=proxy.corp",
    "-Dhttps.proxyPort=3128",
    "-Dhttp.nonProxyHosts=localhost|*.localhost|127.0.0.1|corp|*.corp",
  ]);
  expect(javaProxyOptions({ ALL_PROXY: "socks5://127.0.0.1" })).toContain("-DsocksProxyPort=1080");
  // The lower case counts.
  expect(javaProxyOptions({ https_proxy: "http://a:1", HTTPS_PROXY: "http://b:2" })).toContain(
    "-Dhttps.proxyHost=a",
  );
});
