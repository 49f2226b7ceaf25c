import { expect, test } from "vitest";
import { problemsOf, SHOPPER, shopperWith } from "./shopper.ts";

const cases: { what: string; text: string; file?: string; problems: string[] }[] = [
  { what: "an empty file", text: "", problems: ["1:1 empty-file: there is no definition in this file"] },
  {
    what: "a file of comments",
    text: "# nothing yet\n",
    problems: ["1:1 empty-file: there is no definition in this file"],
  },
  {
    what: "a list",
    text: "- name: shopper\n",
    problems: [
      "1:1 wrong-value: a definition is a mapping with name, description, entity, source, … as its keys",
    ],
  },
  {
    what: "several documents",
    text: `${SHOPPER}---\nname: other\n`,
    problems: ["24:1 one-document: a file holds one definition; put this one into its own"],
  },
  {
    what: "a syntax error",
    text: shopperWith({ "table: public.orders": "table: 'public.orders" }),
    problems: ["5:10 yaml-syntax: this quote is never closed"],
  },
  {
    what: "a tab as indentation",
    text: shopperWith({ "  type: tumbling": "\ttype: tumbling" }),
    problems: ["14:1 yaml-syntax: Tabs are not allowed as indentation"],
  },
  {
    what: "a key written twice",
    text: shopperWith({ "watermark: 1 hour": "watermark: 1 hour\nwatermark: 2 hours" }),
    problems: ["17:1 duplicate-key: watermark is written twice"],
  },
  {
    what: "an anchor and an alias",
    text: shopperWith({ "length: 30 days": "length: &month 30 days\n  retention: *month" }),
    problems: [
      "15:18 yaml-anchor: anchors are not used here: &month",
      "16:14 yaml-anchor: write the value out instead of *month",
    ],
  },
  {
    what: "a tag",
    text: shopperWith({ "name: shopper": "name: !!str shopper" }),
    problems: ["1:13 yaml-tag: tags are not used here"],
  },
  {
    what: "a number as a key",
    text: shopperWith({ "  orders: {": "  7: {", "spend / orders": "spend / 2" }),
    problems: ['20:3 wrong-name: "7" cannot be a name'],
  },
  {
    what: "the key __proto__",
    text: shopperWith({ "  orders: {": "  __proto__: { kind: derived }\n  orders: {" }),
    problems: ["20:3 yaml-key: a key must be plain text"],
  },
  {
    what: "a byte order mark and Windows line ends",
    text: `\uFEFF${shopperWith({ "1 hour": "1 hou" }).replaceAll("\n", "\r\n")}`,
    problems: ['16:12 wrong-value: "1 hou" is not a duration → 1 hour'],
  },
];

test.each(cases)("YAML: $what", ({ text, file, problems }) => {
  expect(problemsOf(text, file)).toEqual(problems);
});
