import { expect, test } from "vitest";
import { problemsOf, SHOPPER, shopperWithExpression } from "./shopper.ts";

const cases = [
  {
    what: "nothing",
    text: shopperWithExpression("'', digits: 2"),
    problems: ["22:42 expression-syntax: a feature, a parameter, a number or a text is missing here"],
  },
  {
    what: "a missing operand",
    text: shopperWithExpression("spend / , digits: 2"),
    problems: ["22:48 expression-syntax: a feature, a parameter, a number or a text is missing here"],
  },
  {
    what: "a missing operator",
    text: shopperWithExpression("spend orders, digits: 2"),
    problems: ["22:47 expression-syntax: an operator is missing before this"],
  },
  {
    what: "a foreign operator",
    text: shopperWithExpression("spend == orders"),
    problems: ["22:47 expression-syntax: == is not an operator → ="],
  },
  {
    what: "a character without meaning",
    text: shopperWithExpression("spend % orders, digits: 2"),
    problems: ['22:47 expression-syntax: "%" has no meaning here'],
  },
  {
    what: "an unknown function",
    text: shopperWithExpression("round(spend), digits: 2"),
    problems: ["22:41 expression-syntax: there is no function round"],
  },
  {
    what: "a misspelt function",
    text: shopperWithExpression('"colaesce(spend, 0)", digits: 2'),
    problems: ["22:42 expression-syntax: there is no function colaesce → coalesce"],
  },
  {
    what: "a function of SQL",
    text: shopperWithExpression('"IFNULL(spend, 0)", digits: 2'),
    problems: ["22:42 expression-syntax: there is no function IFNULL → coalesce"],
  },
  {
    what: "too few values",
    text: shopperWithExpression("coalesce(spend), digits: 2"),
    problems: ["22:41 expression-syntax: coalesce takes two or more values, as in coalesce(spend, 0)"],
  },
  {
    what: "too many values",
    text: shopperWithExpression('"ratio(spend, 1, 2, 3)", digits: 2'),
    problems: [
      "22:42 expression-syntax: ratio takes two values and what to give for a division by zero, as in ratio(a, b, 0)",
    ],
  },
  {
    what: "no value",
    text: shopperWithExpression("cross(), digits: 2"),
    problems: ["22:47 expression-syntax: a feature, a parameter, a number or a text is missing here"],
  },
  {
    what: "a comma too many",
    text: shopperWithExpression('"ratio(spend, orders,)", digits: 2'),
    problems: ["22:62 expression-syntax: a feature, a parameter, a number or a text is missing here"],
  },
  {
    what: "a function that is never closed",
    text: shopperWithExpression('"1 + ratio(spend, orders", digits: 2'),
    problems: ["22:51 expression-syntax: this ( is never closed"],
  },
  {
    what: "a comma outside of functions",
    text: shopperWithExpression('"(spend, orders)", digits: 2'),
    problems: ["22:48 expression-syntax: a comma only stands between the values of a function"],
  },
  {
    what: "a comma that ends the value",
    text: shopperWithExpression("ratio(spend, orders, 0), digits: 2"),
    problems: [
      "22:41 expression-syntax: between { and } a comma ends a value; write the expression in quotes",
    ],
  },
  {
    what: "a comma before a text that ends the value",
    text: shopperWithExpression("coalesce(spend, 'none')"),
    problems: ["22:63 yaml-syntax: between { and } a comma ends a value; write the expression in quotes"],
  },
  {
    what: "an open text",
    text: shopperWithExpression("spend = 'gold"),
    problems: ["22:49 expression-syntax: this ' is never closed"],
  },
  {
    what: "a text in double quotes",
    text: shopperWithExpression('spend = "gold"'),
    problems: ["22:49 expression-syntax: a text is written in single quotes, as in 'gold'"],
  },
  {
    what: "and",
    text: shopperWithExpression("spend > 1 and orders > 1"),
    problems: ["22:51 expression-syntax: there is no and in expressions"],
  },
  {
    what: "not",
    text: shopperWithExpression("not spend > 1"),
    problems: ["22:41 expression-syntax: there is no not in expressions"],
  },
  {
    what: "in single quotes, two of which are one",
    text: shopperWithExpression("'coalesce(''it''''s ( '', spnd)'"),
    problems: ["22:67 unknown-name: spnd is neither a feature nor a parameter → spend"],
  },
  {
    what: "an open bracket",
    text: shopperWithExpression("2 * (spend + orders, digits: 2"),
    problems: ["22:45 expression-syntax: this ( is never closed"],
  },
  {
    what: "a bracket too many",
    text: shopperWithExpression("spend) + orders, digits: 2"),
    problems: ["22:46 expression-syntax: this ) was never opened"],
  },
  {
    what: "chained comparisons",
    text: shopperWithExpression("1 < spend < 3"),
    problems: ["22:51 expression-syntax: comparisons cannot be chained"],
  },
  {
    what: "a number with a dot at its end",
    text: shopperWithExpression("spend * 5., digits: 2"),
    problems: ["22:49 expression-syntax: a number is written as in 12 or 0.5"],
  },
  {
    what: "in quotes",
    text: shopperWithExpression('"spend * spnd", digits: 2'),
    problems: ["22:50 unknown-name: spnd is neither a feature nor a parameter → spend"],
  },
  {
    what: "in quotes with an escape",
    text: shopperWithExpression('"spend \\x2a spnd", digits: 2'),
    problems: ["22:41 unknown-name: spnd is neither a feature nor a parameter → spend"],
  },
  {
    what: "over several lines",
    text: `${SHOPPER}  long:\n    kind: derived\n    digits: 2\n    expression: >-\n      spend\n        * orders\n      + spnd\n`,
    problems: ["30:9 unknown-name: spnd is neither a feature nor a parameter → spend"],
  },
  {
    what: "over several plain lines",
    text: `${SHOPPER}  long:\n    kind: derived\n    digits: 2\n    expression: spend\n      * orders +\n      spnd\n`,
    problems: ["29:7 unknown-name: spnd is neither a feature nor a parameter → spend"],
  },
];

test.each(cases)("expressions: $what", ({ text, problems }) => {
  expect(problemsOf(text)).toEqual(problems);
});
