import { STATUS_CODES } from 'node:http';
import { errors, HttpError, isHttpError } from './errors.js';

/** What Nest's HttpException looks like from here. */
interface StatusException extends Error {
  getStatus(): number;
  getResponse(): unknown;
}

/**
 * Any thrown value as an error that a client may see. HttpErrors pass; an exception with `getStatus()` (Nest's
 * HttpException) keeps its status and text; all else is a 500 that tells nothing.
 */
export function asHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (isHttpError(error)) {
    return new HttpError(error, { cause: error.cause, header: error.header, body: error.body });
  }
  if (isStatusException(error)) return fromStatusException(error);
  return errors.internal(error);
}

/** True when an error is a bug or an outage rather than an answer: it belongs into the log. */
export function isUnexpected(error: HttpError): boolean {
  return error.status >= 500 && error.cause !== undefined;
}

function isStatusException(error: unknown): error is StatusException {
  return (
    error instanceof Error &&
    'getStatus' in error &&
    typeof error.getStatus === 'function' &&
    'getResponse' in error &&
    typeof error.getResponse === 'function'
  );
}

function fromStatusException(exception: StatusException): HttpError {
  const status = exception.getStatus();
  const response = exception.getResponse();
  const code = `ERR_${(STATUS_CODES[status] ?? 'REJECTED').replace(/[^A-Za-z]+/g, '_').toUpperCase()}`;
  if (typeof response === 'string')
    return new HttpError({ code, status, message: response }, { cause: exception });
  if (isStandardBody(response)) {
    const text = Array.isArray(response.message) ? response.message.join('; ') : response.message;
    return new HttpError({ code, status, message: text }, { cause: exception });
  }
  return new HttpError(
    { code, status, message: exception.message },
    {
      cause: exception,
      body: JSON.stringify(response),
      header: { 'Content-Type': 'application/json; charset=utf-8' },
    },
  );
}

/** The body that Nest makes when an exception was given a text only. */
function isStandardBody(response: unknown): response is { message: string | string[] } {
  if (typeof response !== 'object' || response === null || !('message' in response)) return false;
  const known = Object.keys(response).every(
    (key) => key === 'message' || key === 'error' || key === 'statusCode',
  );
  return known && (typeof response.message === 'string' || Array.isArray(response.message));
}
