import { isRegExp } from 'node:util/types';
import { type OptionKind, wrong } from './check-options.js';

/** Largest delay of a Node timer in milliseconds; beyond it a timer fires at once. */
export const MAX_TIMER = 2 ** 31 - 1;

/** A kind of which a predicate decides. One that throws has refused: the value may be a Proxy. */
export function kindOf(form: string, accepts: (value: unknown) => boolean): OptionKind {
  return {
    form,
    read(value, path) {
      if (isAccepted(accepts, value)) return value;
      throw wrong(path, value, form);
    },
  };
}

function isAccepted(accepts: (value: unknown) => boolean, value: unknown): boolean {
  try {
    return accepts(value);
  } catch {
    return false;
  }
}

/** The same kind for an option that cannot be left out. */
export function required(kind: OptionKind): OptionKind {
  return { ...kind, isRequired: true };
}

/** The same kind, whose value an error never repeats: it may hold a password. */
export function secret(kind: OptionKind): OptionKind {
  return {
    ...kind,
    read(value, path) {
      try {
        return kind.read(value, path);
      } catch {
        throw new TypeError(`${path} is not what it must be: write ${kind.form}`);
      }
    },
  };
}

export const trueOrFalse: OptionKind = kindOf('true or false', (value) => typeof value === 'boolean');

/** A whole number. `unit` completes "a whole number of …". */
export function wholeNumber({
  least = 0,
  most = Number.MAX_SAFE_INTEGER,
  unit = '',
}: {
  least?: number;
  most?: number;
  unit?: string;
} = {}): OptionKind {
  const range = most === Number.MAX_SAFE_INTEGER ? `, ${least} or more` : ` from ${least} to ${most}`;
  return kindOf(
    `a whole number${unit && ` of ${unit}`}${range}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
  );
}

/** A time that a timer can wait for. */
export const milliseconds: OptionKind = kindOf(
  `milliseconds, more than 0 and at most ${MAX_TIMER}`,
  (value) => Number.isFinite(value) && (value as number) > 0 && (value as number) <= MAX_TIMER,
);

/** A time between two of something. */
export const millisecondsOrNever: OptionKind = kindOf(
  `${milliseconds.form}, or 0 for never`,
  (value) => Number.isFinite(value) && (value as number) >= 0 && (value as number) <= MAX_TIMER,
);

/** Text of a form. */
export function textOf(form: string, fits: (text: string) => boolean): OptionKind {
  return kindOf(form, (value) => typeof value === 'string' && fits(value));
}

/** One of some texts. */
export function oneOf(...choices: readonly string[]): OptionKind {
  const texts = choices.map((choice) => `'${choice}'`);
  return kindOf(`${texts.slice(0, -1).join(', ')} or ${texts.at(-1)}`, (value) =>
    choices.includes(value as string),
  );
}

/** A regular expression, of any realm. */
export function regularExpression(example: string): OptionKind {
  return kindOf(`a RegExp such as ${example}`, isRegExp);
}

/** A function. */
export function functionSuchAs(example: string): OptionKind {
  return kindOf(
    `a function such as \`${example}\``,
    (value) => typeof value === 'function' && !isClass(value),
  );
}

/** Something that has methods, as a field, on a prototype or as statics of a class. */
export function withMethods(
  form: string,
  methods: readonly string[],
  optional: readonly string[] = [],
): OptionKind {
  return kindOf(form, (value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
    const members = value as Readonly<Record<string, unknown>>;
    return (
      methods.every((method) => typeof members[method] === 'function') &&
      optional.every((method) => members[method] === undefined || typeof members[method] === 'function')
    );
  });
}

/** A list whose members are all of one kind. */
export function listOf(form: string, member: OptionKind): OptionKind {
  return {
    form,
    read(value, path) {
      if (!Array.isArray(value)) throw wrong(path, value, form);
      // By index, so that a hole is a wrong member.
      return Array.from(value, (one: unknown, index) => member.read(one, `${path}[${index}]`));
    },
  };
}

/** An absolute URL without credentials, query and fragment. */
export function httpUrl(example: string): OptionKind {
  return kindOf(`an absolute URL such as '${example}', without a password or query`, (value) => {
    if (typeof value !== 'string' || !URL.canParse(value)) return false;
    const { protocol, username, password, search, hash } = new URL(value);
    return /^https?:$/.test(protocol) && !username && !password && !search && !hash;
  });
}

/** `class A {}`; a function that is called with `new` only. */
export function isClass(value: unknown): value is abstract new (...parameters: never[]) => object {
  return typeof value === 'function' && /^class\b/.test(Function.prototype.toString.call(value));
}
