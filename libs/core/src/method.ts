import type { IncomingMessage } from 'node:http';
import type { OperationName } from './operations/operation.js';

/**
 * The method of a request. tus 1.0.0: "The X-HTTP-Method-Override request header MUST be a string which MUST be interpreted as the
 * request's method by the Server, if the header is presented. The actual method of the request MUST be ignored."
 */
export function methodOf(request: IncomingMessage): string {
  const override = request.headers['x-http-method-override'];
  const method = typeof override === 'string' && override !== '' ? override : request.method;
  return (method ?? '').toUpperCase();
}

/** What a method means on the creation URL, or on an upload's. Undefined: nothing. */
export function operationNameOf(method: string, isUpload: boolean): OperationName | undefined {
  if (method === 'OPTIONS') return 'discover';
  if (!isUpload) return method === 'POST' ? 'create' : undefined;
  switch (method) {
    case 'HEAD':
      return 'status';
    case 'PATCH':
      return 'append';
    case 'GET':
      return 'download';
    case 'DELETE':
      return 'terminate';
    default:
      return undefined;
  }
}
