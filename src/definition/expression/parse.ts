/** Expressions, second step: tokens to a tree, by precedence climbing (Pratt). */
import { FUNCTIONS, functionMeantBy, isFunction } from "./functions.ts";
import { childrenOf, ExpressionError, isComparison, type SyntaxTree } from "./syntax-tree.ts";
import { type Operator, type Token, tokenize } from "./tokens.ts";

/** Deeper ones Python's parser might refuse in the rendered job. */
const DEEPEST = 50;

const STRENGTH_OF_MINUS = 4;

function strength(operator: Operator): number {
  if (isComparison(operator)) return 1;
  return operator === "+" || operator === "-" ? 2 : 3;
}

/** Throws an `ExpressionError`. */
export function parseExpression(text: string): SyntaxTree {
  const parser = new Parser(tokenize(text));
  const tree = parser.expression(0);
  parser.expectEnd();
  if (depth(tree) > DEEPEST) {
    throw new ExpressionError(`more than ${DEEPEST} levels deep; split it into several features`, 0);
  }
  return tree;
}

class Parser {
  #next = 0;
  readonly #tokens: Token[];

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  /** Everything that binds more strongly than `weakest`. */
  expression(weakest: number): SyntaxTree {
    let left = this.#operand();
    let isCompared = false;
    let token = this.#peek();
    while (token.kind === "operator" && strength(token.text) > weakest) {
      const { text: operator, at } = token;
      if (isCompared && isComparison(operator))
        throw new ExpressionError("comparisons cannot be chained", at);
      isCompared ||= isComparison(operator);
      this.#next++;
      left = { kind: "binary", operator, left, right: this.expression(strength(operator)), at };
      token = this.#peek();
    }
    return left;
  }

  expectEnd(): void {
    const { kind, at } = this.#peek();
    if (kind === "end") return;
    for (const token of [this.#tokens[this.#next - 1], this.#peek()]) {
      if (token?.kind === "name" && /^(and|or|not)$/i.test(token.text))
        throw new ExpressionError(`there is no ${token.text} in expressions`, token.at);
    }
    if (kind === ")") throw new ExpressionError("this ) was never opened", at);
    if (kind === ",") throw new ExpressionError("a comma only stands between the values of a function", at);
    throw new ExpressionError("an operator is missing before this", at);
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #operand(): SyntaxTree {
    const token = this.#peek();
    const { at } = token;
    switch (token.kind) {
      case "number":
      case "text":
        this.#next++;
        return { kind: token.kind, text: token.text, at };
      case "name":
        this.#next++;
        return this.#peek().kind === "("
          ? this.#call(token.text, at)
          : { kind: "name", name: token.text, at };
      case "(": {
        this.#next++;
        const inner = this.expression(0);
        this.#close(at);
        return inner;
      }
      case "operator":
        if (token.text !== "-") break;
        this.#next++;
        return { kind: "negative", operand: this.expression(STRENGTH_OF_MINUS), at };
    }
    throw new ExpressionError("a feature, a parameter, a number or a text is missing here", at);
  }

  #call(name: string, at: number): SyntaxTree {
    if (!isFunction(name)) {
      throw new ExpressionError(
        `there is no function ${name}`,
        at,
        functionMeantBy(name),
        Object.keys(FUNCTIONS),
      );
    }
    const open = this.#peek().at;
    const values: SyntaxTree[] = [];
    do {
      this.#next++;
      values.push(this.expression(0));
    } while (this.#peek().kind === ",");
    this.#close(open);
    const { least, most, takes } = FUNCTIONS[name];
    if (values.length < least || values.length > most)
      throw new ExpressionError(`${name} takes ${takes}`, at);
    return { kind: "call", name, arguments: values, at };
  }

  #close(open: number): void {
    const { kind } = this.#peek();
    if (kind === "end") throw new ExpressionError("this ( is never closed", open);
    if (kind !== ")") this.expectEnd();
    this.#next++;
  }
}

function depth(tree: SyntaxTree): number {
  return 1 + Math.max(0, ...childrenOf(tree).map(depth));
}
