import type { HttpError } from '../errors.js';
import type { Exchange } from '../exchange.js';
import type { FileInfo, UploadProtocol } from '../file-info.js';
import type { OperationRequest, Outcome } from '../operations/operation.js';
import type { ResponseHead } from '../response.js';

/**
 * A protocol on the wire: reads a request into an operation, writes an outcome into a response. It knows headers and
 * nothing of stores.
 */
export interface Dialect {
  readonly protocol: UploadProtocol;
  /** Methods that create an upload on the creation URL. */
  readonly creationMethods: readonly string[];
  /** @throws HttpError when the request is none of this protocol's, or malformed */
  read(exchange: Exchange): OperationRequest;
  /** The uploads that a creation is to be made of, for guards: those that `read` hands on. Undefined where it refuses the request. */
  partialUploadIds?(exchange: Exchange): readonly string[] | undefined;
  write(exchange: Exchange, outcome: Outcome): ResponseHead;
  /** Completes an error's response: headers that every response of the protocol has; a body where it replaces `CODE: text`. */
  refuse(exchange: Exchange, error: HttpError): ResponseHead;
  /** The answer to OPTIONS. */
  discover(exchange: Exchange): ResponseHead;
  /** Tells a client, while its request goes on, that the upload exists. */
  announce?(exchange: Exchange, info: FileInfo): void;
  /** Tells a client, while its request goes on, how much of the upload is stored. */
  announceProgress?(exchange: Exchange, offset: number): void;
}
