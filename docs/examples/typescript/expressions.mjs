// JMESPath as conditions and loops use it, on JSON texts.
import {
  TYPE_ARRAY, TYPE_ARRAY_NUMBER, TYPE_ARRAY_STRING, TYPE_EXPREF, TreeInterpreter, register, search as searchByCharacters,
} from "@jmespath-community/jmespath";
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
const ON_TEXTS = /\b(length|reverse|sort|max|min)(_by)?\(/;
const characters = (text) => Array.from(text, (character) => character.codePointAt(0));

// The other library sorts numbers as texts, and finds greatest and least of texts as its language or nothing says.
const LIST = { types: [TYPE_ARRAY_NUMBER, TYPE_ARRAY_STRING] };
const BY = [{ types: [TYPE_ARRAY] }, { types: [TYPE_EXPREF] }];
const last = (pairs) => pairs.reduce((best, pair) => (best && order(pair[0], best[0]) <= 0 ? best : pair), undefined);
const functions = {
  sort: [(pairs) => pairs.sort((one, other) => order(one[0], other[0])).map(([, item]) => item), LIST],
  min: [(pairs) => last(pairs.map(([key, item]) => [{ least: key }, item]))?.[1] ?? null, LIST],
  max: [(pairs) => last(pairs)?.[1] ?? null, LIST],
};
for (const [name, [pick, list]] of Object.entries(functions)) {
  register(name, ([items]) => pick(items.map((item) => [item, item])), [list], { override: true });
  register(`${name}_by`, ([items, key]) => pick(items.map((item) => [TreeInterpreter.visit(key, item), item])), BY, { override: true });
}

/** Below, at or above 0 as one is less, the same or greater. Throws where they are not both numbers or both texts. */
function order(one, other) {
  if (one.least !== undefined) return order(other.least, one.least);
  if (typeof one === "number" && typeof other === "number") return one - other;
  if (typeof one !== "string" || typeof other !== "string") throw new TypeError("numbers or texts alone have an order");
  const [ours, theirs] = [characters(one), characters(other)];
  const at = ours.findIndex((character, index) => character !== theirs[index]);
  return at < 0 ? ours.length - theirs.length : ours[at] - (theirs[at] ?? -1);
}

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
