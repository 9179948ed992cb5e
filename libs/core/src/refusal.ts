import { STATUS_CODES } from 'node:http';
import { types } from 'node:util';
import { ErrInternalServerError, errors, HttpError, isHttpError } from './errors.js';
import { shown } from './events/plain-values.js';
import { isFinalStatus } from './headers/field.js';
import { soundHttpError } from './http-error.js';

/** What Nest's HttpException looks like from here. */
interface StatusException extends Error {
  getStatus(): unknown;
  getResponse(): unknown;
}

/**
 * Any thrown value as an error that a client may see, and that can be sent. Never throws. HttpErrors pass, by their mark; Nest's
 * HttpException keeps its status and text; all else is a 500 that tells nothing.
 */
export function asHttpError(thrown: unknown): HttpError {
  try {
    if (isHttpError(thrown)) return soundHttpError(thrown);
    if (isStatusException(thrown)) return fromStatusException(thrown);
  } catch (error) {
    return errors.internal(new TypeError(`an error cannot be read: ${shown(error)}`));
  }
  return errors.internal(types.isNativeError(thrown) ? thrown : new TypeError(`thrown: ${shown(thrown)}`));
}

/** True when an error is a bug or an outage rather than an answer: it belongs into the log. */
export function isUnexpected(error: HttpError): boolean {
  return error.status >= 500 && (error.cause !== undefined || error.code === ErrInternalServerError.code);
}

/**
 * By the two methods that HttpException and its subclasses inherit: core does not import Nest, an app may have several copies of it, and
 * names of classes do not survive a bundler. No error of another library has both; status and code, which many have, do not count.
 */
function isStatusException(error: unknown): error is StatusException {
  return types.isNativeError(error) && inherits(error, 'getStatus') && inherits(error, 'getResponse');
}

function inherits(error: Error, method: string): boolean {
  const { [method]: inherited } = error as Error & Readonly<Record<string, unknown>>;
  return typeof inherited === 'function' && !Object.hasOwn(error, method);
}

function fromStatusException(exception: StatusException): HttpError {
  const status = attempt(() => exception.getStatus());
  const phrase = isFinalStatus(status) ? STATUS_CODES[status] : undefined;
  const code = `ERR_${(phrase ?? 'REJECTED').replace(/[^A-Za-z]+/g, '_').toUpperCase()}`;
  const descriptor = { code, status: status as number, message: exception.message };
  const response = attempt(() => exception.getResponse());
  const text = textOf(response);
  if (text !== undefined) return new HttpError({ ...descriptor, message: text }, { cause: exception });
  const body = attempt(() => JSON.stringify(response));
  if (typeof body !== 'string') return new HttpError(descriptor, { cause: exception });
  const header = { 'Content-Type': 'application/json; charset=utf-8' };
  return new HttpError(descriptor, { cause: exception, body, header });
}

/** The text of an exception that was given a text only; Nest makes a body with it. */
function textOf(response: unknown): string | undefined {
  if (typeof response === 'string') return response;
  if (typeof response !== 'object' || response === null || !('message' in response)) return undefined;
  const known = Object.keys(response).every(
    (key) => key === 'message' || key === 'error' || key === 'statusCode',
  );
  const texts: unknown[] = [response.message].flat();
  return known && texts.every((text) => typeof text === 'string') ? texts.join('; ') : undefined;
}

/** Undefined for what throws: methods of an app's exceptions may do anything. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
