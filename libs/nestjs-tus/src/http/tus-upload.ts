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
 * @returns an empty list for any other creation; undefined where no upload endpoint answers, on a route of the app's own: what is shown
 * there of an upload, its own guard must look up
 * @throws HttpError `ERR_UPLOAD_NOT_FOUND` (404)
 * @example
 * async canActivate(context: ExecutionContext) {
 *   const { user } = context.switchToHttp().getRequest();
 *   const uploads = await getTusUploads(context);
 *   if (!user || !uploads) return false;
 *   return uploads.every((upload) => (upload.context as Owned).owner === user.id);
 * }
 */
export async function getTusUploads(context: ExecutionContext): Promise<FileInfo[] | undefined> {
  const open = openExchangeOf(context);
  if (!open) return undefined;
  const { name, uploadId, partialUploadIds = [] } = open.exchange.operation;
  // A route of the app's own at the creation URL, in a subclass of TusController: for all that is known it may list uploads.
  if (name === 'discover' && uploadId === undefined) return undefined;
  const ids = uploadId === undefined ? partialUploadIds : [uploadId];
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
