import type { Readable } from 'node:stream';
import type { Engine } from '../engine.js';
import { errors } from '../errors.js';
import { contentFieldsOf } from '../headers/content-fields.js';
import type { Exchange } from '../exchange.js';
import { stateOf, type FileInfo } from '../file-info.js';
import { evaluateConditions, rangeApplies, type Validators } from '../headers/conditions.js';
import { contentDisposition } from '../headers/disposition.js';
import { httpDateOf } from '../headers/http-date.js';
import { servedType } from '../headers/media-type.js';
import { readRange } from '../headers/range.js';
import { sendableUrl } from '../headers/sendable-url.js';
import type { OpenContent, ServedContent, Upload } from '../store/data-store.js';
import { isUploadId } from '../upload-id.js';
import { failIfExpired } from './expiry.js';
import { keptRefusal } from './finish.js';
import type { UploadRequest } from './operation.js';

/** A download, ready to be sent. */
export interface Download {
  readonly kind: 'download';
  /** 302: a store has named somebody who serves the content. */
  readonly status: 200 | 206 | 302 | 304;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body?: Readable;
}

/**
 * Serves the content of a finished upload as it is now. No part of tus; takes no lock, since no request changes a finished upload.
 */
export async function download(
  engine: Engine,
  exchange: Exchange,
  request: UploadRequest,
): Promise<Download> {
  const upload = await engine.store.getUpload(request.uploadId, {});
  return downloadOf(upload, await upload.getInfo({}), exchange);
}

/** As `download`, of an upload that has been looked up. */
export async function downloadOf(upload: Upload, info: FileInfo, exchange: Exchange): Promise<Download> {
  failIfExpired(info);
  if (stateOf(info) === 'rejected') throw keptRefusal(info);
  if (stateOf(info) !== 'finished') throw errors.incompleteUpload();
  const served = servedContentOf(info);
  // Conditions and ranges are about what is served there, and its tags.
  const url = info.size > 0 ? await upload.getDownloadUrl?.(served, {}) : undefined;
  return url === undefined ? serve(upload, info, served, exchange) : redirect(url);
}

/** Whoever has the URL may be allowed to read for a while: no cache may hand it on. */
function redirect(url: string): Download {
  return {
    kind: 'download',
    status: 302,
    headers: ['Location', sendableUrl(url), 'Cache-Control', 'no-store'],
  };
}

async function serve(
  upload: Upload,
  info: FileInfo,
  served: ServedContent,
  exchange: Exchange,
): Promise<Download> {
  const content = (await upload.openContent?.({})) ?? storedContent(upload, info);
  let answer: Download | undefined;
  try {
    answer = await answerWith(content, info, served, exchange);
    return answer;
  } finally {
    if (!answer?.body) await content.close();
  }
}

/** Of a store that nobody else changes the content of. */
function storedContent(upload: Upload, { size, createdAt }: FileInfo): OpenContent {
  return {
    size,
    modifiedAt: createdAt,
    read: (range) => upload.getReader({}, range),
    close: () => Promise.resolve(),
  };
}

async function answerWith(
  content: OpenContent,
  info: FileInfo,
  served: ServedContent,
  { req }: Exchange,
): Promise<Download> {
  const { size } = content;
  const validators = validatorsOf(info, content);
  const headers = [...validatorHeaders(validators), 'Accept-Ranges', 'bytes'];
  const condition = evaluateConditions(req.headers, validators);
  if (condition === 'failed') throw errors.preconditionFailed();
  if (condition === 'not-modified') return { kind: 'download', status: 304, headers };
  headers.push(...contentHeaders(served));
  const header = rangeApplies(req.headers['if-range']?.toString(), validators)
    ? req.headers.range
    : undefined;
  const range = readRange(header, size);
  if (range === 'unsatisfiable') throw errors.invalidRange(size);
  if (!range) {
    headers.push('Content-Length', String(size));
    return { kind: 'download', status: 200, headers, body: size > 0 ? await content.read() : undefined };
  }
  headers.push('Content-Length', String(range.end - range.start + 1));
  headers.push('Content-Range', `bytes ${range.start}-${range.end}/${size}`);
  return { kind: 'download', status: 206, headers, body: await content.read(range) };
}

function servedContentOf(info: FileInfo): ServedContent {
  const { filetype, filename } = info.metaData ?? {};
  const { contentType, disposition } = servedType(filetype);
  return {
    contentType,
    contentDisposition: contentDisposition(disposition, filename),
    ...(info.protocol === 'ietf' && contentFieldsOf(info.metaData)),
  };
}

function contentHeaders(served: ServedContent): string[] {
  const headers = ['Content-Type', served.contentType, 'Content-Disposition', served.contentDisposition];
  if (served.contentEncoding !== undefined) headers.push('Content-Encoding', served.contentEncoding);
  if (served.contentLanguage !== undefined) headers.push('Content-Language', served.contentLanguage);
  return headers;
}

/** An id is never used again: with the length it is the best tag there is, and the store says which content it is where that can change. */
function validatorsOf(info: FileInfo, { size, version, modifiedAt }: OpenContent): Validators {
  const id = isUploadId(info.id) ? info.id : encodeURIComponent(info.id.toWellFormed());
  const tag = [id, size.toString(36), version].filter((part) => part !== undefined);
  const lastModified = httpDateOf(modifiedAt) === undefined ? undefined : modifiedAt;
  return { etag: `"${tag.join('-')}"`, lastModified: notAfterNow(lastModified) };
}

/** RFC 9110, 8.8.2.1: a Last-Modified must not be later than the answer. */
function notAfterNow(date: Date | undefined): Date | undefined {
  return date && date.getTime() > Date.now() ? new Date() : date;
}

function validatorHeaders({ etag, lastModified }: Validators): string[] {
  const date = httpDateOf(lastModified);
  return date === undefined ? ['ETag', etag] : ['ETag', etag, 'Last-Modified', date];
}
