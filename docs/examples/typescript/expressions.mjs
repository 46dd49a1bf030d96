// JMESPath as conditions and loops use it, on JSON texts.
import { search as searchByCharacters } from "@jmespath-community/jmespath";
import jmespath from "jmespath";
import { parse, stringify } from "./json.mjs";

// Whoever only compares needs exact text of what a double cannot hold, whole numbers beyond 2^53, and no other.
const isComparable = (number) => !/^-?\d{16,}$/.test(number) || Number.isSafeInteger(Number(number));

/**
 * The expression as `jmespath` understands it: in a function or in parentheses it takes `@` for the whole argument, so
 * `abs(@.total)` is `abs((@).total)` to it. Texts and literals stay as they are.
 */
const understood = (expression) => (
  expression.replace(/'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|@/gs, (part) => (part === "@" ? "(@)" : part))
);

// `jmespath` takes what stands for an inexact number for one, but counts and sorts texts by units of UTF-16, two to an emoji.
const ON_TEXTS = /\b(length|reverse|sort|sort_by|max|max_by|min|min_by)\(/;

function search(input, expression, isExact) {
  if (ON_TEXTS.test(expression)) {
    try {
      return searchByCharacters(parse(input, () => true), expression);
    } catch {} // it knows fewer functions by other names: the other one says what is wrong
  }
  return jmespath.search(parse(input, isExact), understood(expression));
}

/** The port by which a condition leaves. Throws where the expression has no value on this input. */
export function portOf(node, input) {
  const value = search(input, node.expression, isComparable);
  if (node.cases.length) return node.cases.find((each) => isSame(parse(each.value, isComparable), value))?.port ?? "default";
  const isEmpty = value === null || value === undefined || value === false || value === "";
  return isEmpty || (isContainer(value) && !Object.keys(value).length) ? "false" : "true";
}

/** What a loop runs over, each as a JSON text. Throws where that is not a list. */
export function itemsOf(node, input) {
  const value = search(input, node.items);
  if (!Array.isArray(value)) throw new Error(`${node.items} gives no list on this input`);
  return value.map(stringify);
}

/** Throws where the expression is none. */
export const check = (expression) => void jmespath.compile(understood(expression));

const isContainer = (value) => typeof value === "object" && !(value instanceof Number);

function isSame(one, other) {
  const numbers = [one, other].filter((value) => typeof value === "number" || value instanceof Number);
  if (numbers.length < 2) return one === other;
  const [left, right] = numbers.map((value) => (Number.isInteger(Number(value)) ? BigInt(value.text ?? Number(value)) : value));
  return left === right;
}
