import { randomBytes } from 'node:crypto';
import { errors, type FileInfo } from '@nestjs-tus/core';

/** The key of an upload's object below the prefix. */
export type KeyTemplate = string | ((info: FileInfo) => string);

/** What follows an upload's id in the keys of what the store keeps beside the object. */
const RESERVED = /^[^/]*\.(info|tail)(-|$)/;
const PLACEHOLDER = /\{([^{}]*)\}/g;
const KNOWN = new Set(['id', 'year', 'month', 'day']);
/** Bytes of the longest id, and of what follows it in a key of the store. */
const MAX_ID = 128 + '.tail-0123456789abcdef'.length;

/** The keys of what the store keeps of an upload. */
export class ObjectKeys {
  constructor(
    private readonly prefix: string,
    private readonly template: KeyTemplate,
    /** Bytes of the longest key that the service takes. */
    private readonly maxKey: number,
  ) {}

  /** The object itself. `isChosen` when nothing says that the key is as unique as the id: it may be taken. */
  object(info: FileInfo): { key: string; isChosen: boolean } {
    const below: unknown = info.storage?.['key'] ?? this.keyOf(info);
    if (typeof below !== 'string') {
      throw errors.internal(
        new TypeError(`the key of an upload's object is text, not ${String(below)}: \`key\` must return it`),
      );
    }
    const key = this.prefix + below;
    if (!isKey(below) || Buffer.byteLength(key) > this.maxKey) {
      throw errors.internal(new Error(`${JSON.stringify(key)} cannot be the key of an upload's object`));
    }
    return { key, isChosen: !below.includes(info.id) };
  }

  private keyOf(info: FileInfo): unknown {
    return typeof this.template === 'function' ? this.template(info) : fillIn(this.template, info);
  }

  /** The record of an upload; in generations, what their keys begin with. */
  record(id: string): string {
    return `${this.prefix}${id}.info`;
  }

  /** The id in a record's key, if it is one. */
  idOfRecord(key: string): string | undefined {
    if (!key.startsWith(this.prefix)) return undefined;
    const id = /^([^/]+)\.info(-[0-9a-f]{12})?$/.exec(key.slice(this.prefix.length))?.[1];
    return id !== undefined && !isReservedId(id) ? id : undefined;
  }

  /** A key for bytes that are not a part yet. Never the same twice: no holder overwrites what another one counts on. */
  newTail(id: string): string {
    return this.tailPrefix(id) + randomBytes(8).toString('hex');
  }

  tailPrefix(id: string): string {
    return `${this.prefix}${id}.tail-`;
  }

  get recordPrefix(): string {
    return this.prefix;
  }
}

/** Lists of objects are XML, in which control characters cannot be. */
function isKey(below: string): boolean {
  const isReadable = below.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(below);
  return below !== '' && isReadable && !below.startsWith('/') && !RESERVED.test(below);
}

/**
 * What is wrong with a prefix; undefined when nothing is.
 * @param maxKey bytes of the longest key that the service takes
 */
export function prefixProblem(prefix: string, maxKey: number): string | undefined {
  const longest = maxKey - MAX_ID;
  if (
    typeof prefix === 'string' &&
    (prefix === '' || isKey(prefix)) &&
    Buffer.byteLength(prefix) <= longest
  ) {
    return undefined;
  }
  return `\`objectPrefix\` is text of up to ${longest} bytes without a slash at its beginning, such as \`uploads/\``;
}

/** An id like a key of ours (`photo.info`) would share keys with another upload's record or tails. */
export function isReservedId(id: string): boolean {
  return RESERVED.test(id);
}

/** What is wrong with a template; undefined when nothing is. */
export function keyTemplateProblem(template: KeyTemplate): string | undefined {
  if (typeof template === 'function') return undefined;
  if (typeof template !== 'string' || !template.includes('{id}')) {
    return '`key` is a template that holds `{id}`, such as `{year}/{month}/{id}`, or a function';
  }
  if (template.startsWith('/')) return '`key` has no slash at its beginning';
  const unknown = [...template.matchAll(PLACEHOLDER)].find(([, name]) => !KNOWN.has(name ?? ''));
  return unknown && `\`key\` knows {id}, {year}, {month} and {day}, not ${unknown[0]}`;
}

function fillIn(template: string, info: FileInfo): string {
  const [year = '', month = '', day = ''] = (info.createdAt ?? new Date())
    .toISOString()
    .slice(0, 10)
    .split('-');
  const values: Record<string, string> = { id: info.id, year, month, day };
  return template.replace(PLACEHOLDER, (_, name: string) => values[name] ?? '');
}
