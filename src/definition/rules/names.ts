/** Rules about names that would mean two things. */
import { KEYWORDS, STORE_COLUMNS } from "../names.ts";
import type { Rules } from "./rule.ts";

export const nameRules: Rules = {
  *"reserved-name"({ name, entity, parameters, features }) {
    if (name === "cdc") {
      yield {
        path: ["name"],
        message: "cdc is reserved: its job would be called like the library, cdc_features",
      };
    }
    if (entity && STORE_COLUMNS.includes(entity.toLowerCase())) {
      yield {
        path: ["entity"],
        message: `${entity} is a column of every offline store and cannot be the entity`,
      };
    }
    if (entity?.startsWith("_")) {
      yield {
        path: ["entity"],
        message: `columns that begin with _ are the jobs' own, and ${entity} cannot be the entity`,
      };
    }
    for (const [section, names] of [
      ["parameters", parameters],
      ["features", features],
    ] as const) {
      for (const word of names?.keys() ?? []) {
        if (KEYWORDS.has(word)) {
          yield { path: [section, word], atKey: true, message: `${word} is a keyword of SQL or Python` };
        } else if (section === "features" && STORE_COLUMNS.includes(word)) {
          yield { path: [section, word], atKey: true, message: `${word} is a column of every offline store` };
        }
      }
    }
  },

  *"duplicate-name"({ entity, parameters, features }) {
    for (const name of features?.keys() ?? []) {
      if (name === entity?.toLowerCase()) {
        yield { path: ["features", name], atKey: true, message: `${name} is already the name of the entity` };
      }
    }
    for (const name of parameters.keys()) {
      if (features?.has(name)) {
        yield { path: ["parameters", name], atKey: true, message: `${name} is also the name of a feature` };
      }
    }
  },

  /** `run customer` finds a set by its file, and two files must not claim one place in the stores. */
  *"file-name"({ name, file }) {
    const stem = /([^/\\]+)\.ya?ml$/.exec(file)?.[1];
    if (name === undefined || stem === undefined || stem === name) return;
    yield { path: ["name"], message: `${name} is written in a file called ${stem}`, suggestion: stem };
  },
};
