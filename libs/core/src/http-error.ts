import { STATUS_CODES } from 'node:http';
import { types } from 'node:util';
import type { HookResponse } from './events/hook-event.js';
import { readResponse } from './events/read-response.js';
import { shown } from './events/plain-values.js';
import { mergeFields, type Fields } from './headers/field-list.js';
import { isFinalStatus, isProtocolField } from './headers/field.js';

/** What an error of the protocol looks like, without an occasion. */
export interface ErrorDescriptor {
  /** Stable; how callers recognise the error. */
  readonly code: string;
  readonly status: number;
  /** For the client; holds nothing internal. */
  readonly message: string;
}

/** What an error may have besides its descriptor. */
export interface HttpErrorOptions extends ErrorOptions {
  header?: Readonly<Record<string, string>>;
  body?: string;
  message?: string;
  isFinalAnswer?: boolean;
}

/** The mark of an error of this package. Of all its copies in a process: an app may have several. */
const BRAND: unique symbol = Symbol.for('nestjs-tus.HttpError');

const CODE = /^[\w.-]{1,64}$/;
const FALLBACK_CODE = 'ERR_REJECTED';
const FALLBACK_STATUS = 500;
/** Of the error that says where an upload goes on. */
export const MISMATCHED_OFFSET = 'ERR_MISMATCHED_OFFSET';

/** What of an error's parts could not be sent, and was left out. */
const leftOut = new WeakMap<HttpError, readonly string[]>();

/**
 * An error that a client may see: `code`, HTTP status and text go out, the cause stays here.
 *
 * Whatever an application gives to the constructor, the error can be sent: a header that cannot is left out, as is one that the protocol alone
 * decides, and a status that is none is 500. What was left out is logged with the refusal.
 */
export class HttpError extends Error {
  readonly code: string;
  readonly status: number;
  /** Headers that go out with it, e.g. Retry-After. */
  readonly header: Readonly<Record<string, string>>;
  /** Replaces the body `CODE: message`. */
  readonly body?: string;
  /** True when a complete upload was refused for good: not the protocol speaks, but what the upload was for. */
  readonly isFinalAnswer: boolean;

  constructor(descriptor: ErrorDescriptor, options?: HttpErrorOptions) {
    const parts = readParts(descriptor, options ?? {});
    super(parts.message, options ?? {});
    Object.defineProperty(this, BRAND, { value: true });
    this.name = 'HttpError';
    this.code = parts.code;
    this.status = parts.status;
    this.header = parts.header;
    this.body = parts.body;
    this.isFinalAnswer = options?.isFinalAnswer === true;
    if (parts.faults.length > 0) leftOut.set(this, parts.faults);
  }

  /** The same error with what a hook wants changed. */
  with(response: HookResponse | undefined): HttpError {
    if (!response) return this;
    const { response: wanted, faults } = readResponse(response);
    const changed = new HttpError(
      { code: this.code, status: wanted.statusCode ?? this.status, message: this.message },
      {
        cause: this.cause,
        header: mergeFields(this.header, wanted.header),
        body: wanted.body ?? this.body,
        isFinalAnswer: this.isFinalAnswer,
      },
    );
    return rememberFaults(changed, [...faultsOf(this), ...faults]);
  }

  /** The same error with these headers in the place of its own. */
  withHeader(header: Fields = NO_FIELDS): HttpError {
    const { cause, body, isFinalAnswer } = this;
    return rememberFaults(new HttpError(this, { cause, header, body, isFinalAnswer }), faultsOf(this));
  }

  /** The same error as the answer that ends an upload. */
  asFinalAnswer(): HttpError {
    const { cause, header, body } = this;
    return rememberFaults(new HttpError(this, { cause, header, body, isFinalAnswer: true }), faultsOf(this));
  }
}

/** True for an error of this package, also one that another copy of it made. Never by its look: errors of others have status and code, too. */
export function isHttpError(error: unknown): error is HttpError {
  if (typeof error !== 'object' || error === null) return false;
  try {
    return BRAND in error && error[BRAND] === true;
  } catch {
    // A proxy that does not let anybody look is none of ours.
    return false;
  }
}

/** True when `error` is the one that `descriptor` describes. */
export function hasCode(error: unknown, descriptor: ErrorDescriptor): boolean {
  return isHttpError(error) && error.code === descriptor.code;
}

/** What of an error could not be sent, a sentence each. */
export function faultsOf(error: HttpError): readonly string[] {
  return leftOut.get(error) ?? [];
}

/** An error of this package as one that can be sent: of another copy, of a subclass or changed since it was made, a new one. */
export function soundHttpError(error: HttpError): HttpError {
  return isSound(error) ? error : rebuilt(error);
}

function isSound(error: HttpError): boolean {
  if (types.isProxy(error) || Object.getPrototypeOf(error) !== HttpError.prototype) return false;
  const { code, status, header, body } = error;
  const hasOwnHeader = !types.isProxy(header) && Object.isFrozen(header);
  const isText = body === undefined || typeof body === 'string';
  return typeof code === 'string' && isFinalStatus(status) && hasOwnHeader && isText;
}

function rebuilt(error: HttpError): HttpError {
  const { code, status, message, cause, header, body, isFinalAnswer } = error;
  const sound = new HttpError({ code, status, message }, { cause, header, body, isFinalAnswer });
  return rememberFaults(sound, [...faultsOf(error), ...faultsOf(sound)]);
}

function rememberFaults(error: HttpError, faults: readonly string[]): HttpError {
  if (faults.length > 0) leftOut.set(error, faults);
  return error;
}

interface Parts {
  readonly code: string;
  readonly status: number;
  readonly message: string;
  readonly header: Fields;
  readonly body?: string;
  readonly faults: readonly string[];
}

/** What an app gives, whatever the types say. */
function readParts(
  descriptor: Partial<Record<keyof ErrorDescriptor, unknown>> | null,
  options: HttpErrorOptions,
): Parts {
  const { code, status, message } = descriptor ?? {};
  const text = options.message ?? message;
  const { response, faults } = readResponse({
    statusCode: status ?? null,
    header: options.header,
    body: options.body,
  });
  const header = response.header ?? NO_FIELDS;
  const protocol = Object.keys(header).filter((name) => !mayHave(code, name, header[name]));
  const isCode = typeof code === 'string' && CODE.test(code);
  const known = response.statusCode ?? FALLBACK_STATUS;
  return {
    code: isCode ? code : FALLBACK_CODE,
    status: known,
    message: typeof text === 'string' ? text : (STATUS_CODES[known] ?? ''),
    header: protocol.length > 0 ? without(header, protocol) : header,
    body: response.body,
    faults: [
      ...faults,
      ...protocol.map((name) => `response.header['${name}'] is the protocol's own: leave it out`),
      ...(isCode ? [] : [`the code is ${shown(code)}: write 1 to 64 letters, digits, _ . -`]),
      ...(typeof text === 'string' ? [] : [`the message is ${shown(text)}: write a text`]),
    ],
  };
}

/** The offset belongs to the one error that is about it: otherwise the application would say how far an upload has come. */
function mayHave(code: unknown, name: string, value = ''): boolean {
  if (!isProtocolField(name)) return true;
  return code === MISMATCHED_OFFSET && name.toLowerCase() === 'upload-offset' && /^\d{1,16}$/.test(value);
}

const NO_FIELDS: Fields = Object.freeze({});

function without(header: Fields, names: readonly string[]): Fields {
  return Object.freeze(Object.fromEntries(Object.entries(header).filter(([name]) => !names.includes(name))));
}
