import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { errors, isUploadId } from '@nestjs-tus/core';
import type { Exchange, FileInfo, TusHandler } from '@nestjs-tus/core';
import { openExchangeOf } from './context-exchange.js';

/** Read once for a request, whatever number of guards ask. */
const read = new WeakMap<Exchange, Map<string, Promise<FileInfo>>>();

/**
 * The upload that a request is for, as it is stored: for guards and interceptors. Read without a lock, so that a running request on it
 * is not disturbed.
 *
 * @returns undefined for a creation, and on the app's other routes
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404), which a guard lets pass, and the client gets
 */
export async function getTusUpload(context: ExecutionContext): Promise<FileInfo | undefined> {
  const open = openExchangeOf(context);
  const id = open?.exchange.operation.uploadId;
  return open && id !== undefined ? info(open.handler, open.exchange, id) : undefined;
}

/**
 * Every upload whose content a request touches or reads: the one that it is for, or the members of a concatenation. An ownership check
 * that asks for these holds for every operation.
 *
 * @returns nothing for any other creation, and on the app's other routes
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404)
 * @example
 * async canActivate(context: ExecutionContext) {
 *   const { user } = context.switchToHttp().getRequest();
 *   const uploads = await getTusUploads(context);
 *   return uploads.every((upload) => (upload.context as Owned).owner === user.id);
 * }
 */
export async function getTusUploads(context: ExecutionContext): Promise<FileInfo[]> {
  const open = openExchangeOf(context);
  if (!open) return [];
  // What is no id at all is no upload: the engine refuses such a list with 400.
  const { uploadId, partialUploadIds = [] } = open.exchange.operation;
  const ids = uploadId === undefined ? partialUploadIds.filter(isUploadId) : [uploadId];
  return Promise.all(ids.map((id) => info(open.handler, open.exchange, id)));
}

/** Gives a handler of your own TusController subclass what `getTusUpload` gives guards. */
export const CurrentTusUpload = createParamDecorator((_data: undefined, context: ExecutionContext) =>
  getTusUpload(context),
);

function info(handler: TusHandler, exchange: Exchange, id: string): Promise<FileInfo> {
  const known = read.get(exchange) ?? new Map<string, Promise<FileInfo>>();
  read.set(exchange, known);
  const reading = known.get(id) ?? readInfo(handler, id);
  known.set(id, reading);
  return reading;
}

async function readInfo({ config }: TusHandler, id: string): Promise<FileInfo> {
  const { core } = config.storeComposer;
  // An id from a client is checked before any store sees it.
  if (!core || !isUploadId(id)) throw errors.notFound();
  const upload = await core.getUpload(id, {});
  return upload.getInfo({});
}
