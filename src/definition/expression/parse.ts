/** Expressions, second step: tokens to a tree, by precedence climbing (Pratt). */
import { ExpressionError, isComparison, type SyntaxTree } from "./syntax-tree.ts";
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
    const previous = this.#tokens[this.#next - 1];
    if (kind === ")") throw new ExpressionError("this ) was never opened", at);
    if (kind === "(" && previous?.kind === "name")
      throw new ExpressionError("there are no functions in expressions", previous.at);
    throw new ExpressionError("an operator is missing before this", at);
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }

  #operand(): SyntaxTree {
    const token = this.#peek();
    if (token.kind === "end" || token.kind === ")" || (token.kind === "operator" && token.text !== "-")) {
      throw new ExpressionError("a feature, a parameter or a number is missing here", token.at);
    }
    this.#next++;
    const { at } = token;
    if (token.kind === "number") return { kind: "number", text: token.text, at };
    if (token.kind === "name") return { kind: "name", name: token.text, at };
    if (token.kind === "operator")
      return { kind: "negative", operand: this.expression(STRENGTH_OF_MINUS), at };
    const inner = this.expression(0);
    if (this.#peek().kind === "end") throw new ExpressionError("this ( is never closed", at);
    if (this.#peek().kind !== ")") this.expectEnd();
    this.#next++;
    return inner;
  }
}

function depth(tree: SyntaxTree): number {
  if (tree.kind === "binary") return 1 + Math.max(depth(tree.left), depth(tree.right));
  return tree.kind === "negative" ? 1 + depth(tree.operand) : 1;
}
