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
    for (const { column, path } of entity ?? []) {
      if (column && STORE_COLUMNS.includes(column.toLowerCase())) {
        yield { path, message: `${column} is a column of every offline store and cannot be the entity` };
      }
      if (column?.startsWith("_")) {
        yield {
          path,
          message: `columns that begin with _ are the jobs' own, and ${column} cannot be the entity`,
        };
      }
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
    const entityColumns = entity?.map(({ column }) => column?.toLowerCase());
    for (const name of features?.keys() ?? []) {
      if (!entityColumns?.includes(name)) continue;
      const what = entityColumns.length === 1 ? "the name of the entity" : "a column of the entity";
      yield { path: ["features", name], atKey: true, message: `${name} is already ${what}` };
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
