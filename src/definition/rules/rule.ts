import type { Finding } from "../diagnostics.ts";
import type { Draft } from "../draft.ts";

/** Yields what is wrong with a definition in one respect; says nothing about what it cannot know. */
export type Rule = (draft: Draft) => Iterable<Finding>;

export type Rules = Record<string, Rule>;
