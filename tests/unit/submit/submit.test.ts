import { describe, expect, it } from "vitest";
import { parseJobEvent } from "../../../src/submit/job-events.ts";
import { sparkSubmitArguments } from "../../../src/submit/spark-submit.ts";

describe("spark-submit", () => {
  it("is called with settings in a stable order, the script, and one argument", () => {
    expect(
      sparkSubmitArguments({
        master: "local[2]",
        name: "cdc-features customer",
        conf: { "spark.b": "2", "spark.a": "x=y" },
        primary: ["/j.py", "/s.json"],
      }),
    ).toEqual([
      "--master",
      "local[2]",
      "--name",
      "cdc-features customer",
      "--conf",
      "spark.a=x=y",
      "--conf",
      "spark.b=2",
      "/j.py",
      "/s.json",
    ]);
  });
});

describe("a line of the job's output", () => {
  it("is an event when it is marked", () => {
    expect(
      parseJobEvent('@cdc-features {"event":"started","pid":1,"application_id":"a","spark_ui":null}'),
    ).toMatchObject({ event: "started", pid: 1 });
    expect(parseJobEvent("26/11/23 WARN something")).toBeUndefined();
  });

  it("is told before each batch of real-time mode, and when there are no more", () => {
    const told = '{"event":"realtime","run":"r","batch":7,"position":12345,"expired":1761696000}';
    expect(parseJobEvent(`@cdc-features ${told}`)).toEqual(JSON.parse(told));
    expect(parseJobEvent('@cdc-features {"event":"paused","run":"r"}')).toEqual({
      event: "paused",
      run: "r",
    });
  });

  it.each(['{"event":"finished","read":1}', '{"event":"prog', ""])("is no event when it holds %j", (text) => {
    expect(parseJobEvent(`@cdc-features ${text}`)).toBeUndefined();
  });
});
