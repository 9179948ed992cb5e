/** Characters of a text that an error repeats at most. */
const LONGEST = 80;

/** Writes a value into the text of an error: on one line, short, without passwords, and without running the value's own code. */
export function showValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return showText(value);
    case 'function':
      return 'a function or class';
    case 'symbol':
      return `Symbol(${showText(value.description ?? '')})`;
    case 'bigint':
      return `${value}n`;
    case 'object':
      return showObject(value);
    default:
      return String(value);
  }
}

/**
 * Hides what may be a secret in a text that may be a URL: everything between its scheme and an `@`, and the values of its query. It hides
 * rather too much than too little, since a URL that an error is about is often malformed.
 */
export function hideSecrets(text: string): string {
  return text
    .replace(/^(\s*[a-z][a-z0-9+.-]*:\/*)?.*@/is, '$1***@')
    .replace(/([?&][^=&#\s]*=)[^&#\s]*/g, '$1***');
}

function showText(text: string): string {
  const safe = hideSecrets(text);
  return JSON.stringify(safe.length > LONGEST ? `${safe.slice(0, LONGEST)}…` : safe);
}

function showObject(value: object | null): string {
  if (value === null) return 'null';
  try {
    if (Array.isArray(value)) return 'an array';
    const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
    return kind === 'Object' ? 'an object' : `a ${kind.slice(0, LONGEST)}`;
  } catch {
    // A Proxy, or a toStringTag, that throws.
    return 'an object';
  }
}
