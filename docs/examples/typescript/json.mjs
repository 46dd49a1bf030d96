// JSON whose numbers keep every digit. JSON.parse reads 12345678901234567890 and 1.0 as other numbers than were written.

export const MAX_DEPTH = 400;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const objectOfJson = { __proto__: null, hasOwnProperty: Object.prototype.hasOwnProperty }; // jmespath asks for it
Object.freeze(objectOfJson);

/**
 * Reads JSON. A number that would be written otherwise than it was read is a Number object with its `text`;
 * jmespath takes such an object for a number.
 * @param {string} text
 * @param {(text: string) => boolean} isExact which numbers can be plain ones
 */
export function parse(text, isExact = (number) => String(Number(number)) === number) {
  let at = 0;
  const match = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) throw new SyntaxError(`no JSON at character ${at}`);
    at += found.length;
    return found;
  };
  const sign = () => {
    while (" \n\r\t".includes(text[at] ?? "$")) at += 1;
    return text[at];
  };
  const word = (name, value) => {
    if (!text.startsWith(name, at)) throw new SyntaxError(`no JSON at character ${at}`);
    at += name.length;
    return value;
  };
  const members = (end, member) => {
    at += 1;
    for (let isFirst = true; sign() !== end; isFirst = false) {
      if (!isFirst) word(",");
      member();
    }
    at += 1;
  };
  const value = () => {
    switch (sign()) {
      case "{": {
        const object = Object.create(objectOfJson);
        members("}", () => {
          sign();
          const key = JSON.parse(match(STRING));
          sign();
          word(":");
          Object.defineProperty(object, key, { value: value(), enumerable: true, writable: true, configurable: true });
        });
        return object;
      }
      case "[": {
        const list = [];
        members("]", () => list.push(value()));
        return list;
      }
      case '"': return JSON.parse(match(STRING));
      case "t": return word("true", true);
      case "f": return word("false", false);
      case "n": return word("null", null);
      default: {
        const number = match(NUMBER);
        return isExact(number) ? Number(number) : Object.assign(new Number(number), { text: number });
      }
    }
  };
  return value();
}

/** Writes what `parse` has read, in ASCII. */
export function stringify(value) {
  if (value instanceof Number) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringify).join(",")}]`;
  if (value !== null && typeof value === "object") return objectOf(Object.entries(value).map(([key, each]) => [key, stringify(each)]));
  if (value === undefined || typeof value === "function") return "null"; // what jmespath calls null
  if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(`${value} is not JSON`);
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An object of values that are JSON texts already. @param {[string, string][]} entries */
export const objectOf = (entries) => `{${entries.map(([key, text]) => `${stringify(key)}:${text}`).join(",")}}`;

/** How many lists and objects a JSON text has within one another. */
export function depthOf(text) {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') {
      for (at += 1; text[at] !== '"'; at += 1) if (text[at] === "\\") at += 1;
    } else if (sign === "{" || sign === "[") {
      deepest = Math.max(deepest, (depth += 1));
    } else if (sign === "}" || sign === "]") {
      depth -= 1;
    }
  }
  return deepest;
}
