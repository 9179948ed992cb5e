/** A header of a request or a response. */
export interface DocumentedHeader {
  readonly name: string;
  readonly about: string;
  readonly required?: boolean;
}

export interface DocumentedAnswer {
  readonly status: number;
  readonly about: string;
  readonly fields?: readonly DocumentedHeader[];
  /** The body is the upload's content; others are empty, or the text of an error. */
  readonly hasContent?: boolean;
}

/** A route as OpenAPI shows it. */
export interface DocumentedRoute {
  readonly summary: string;
  readonly description: string;
  readonly headers: readonly DocumentedHeader[];
  readonly consumes?: string;
  readonly produces?: string;
  /** True for routes with an id. */
  readonly onUpload: boolean;
  readonly answers: readonly DocumentedAnswer[];
}

const OFFSET_STREAM = 'application/offset+octet-stream';

const version = { name: 'Tus-Resumable', about: 'Protocol version: 1.0.0', required: true };
const length = { name: 'Upload-Length', about: 'Length of the whole upload in bytes' };
const offset = { name: 'Upload-Offset', about: 'Bytes of the upload that are stored' };
const checksum = { name: 'Upload-Checksum', about: 'Algorithm and Base64 checksum of the body: `sha1 …`' };
const metadata = { name: 'Upload-Metadata', about: 'Keys and Base64 values: `filename aGkudHh0,private`' };
const concat = {
  name: 'Upload-Concat',
  about: '`partial`, or `final;` and the URLs of partial uploads, divided by spaces',
};
const expires = { name: 'Upload-Expires', about: 'When an unfinished upload is removed' };
const deferred = { name: 'Upload-Defer-Length', about: '1: the length is told later' };

const BAD_REQUEST = { status: 400, about: 'A header is missing or wrong, or the request was interrupted' };
const FORBIDDEN = { status: 403, about: 'Refused by a hook or guard, or the upload is a final one' };
const NOT_FOUND = { status: 404, about: 'There is no such upload' };
const GONE = { status: 410, about: 'The upload has expired' };
const UNSUPPORTED_VERSION = { status: 412, about: 'Tus-Resumable is missing, or another version' };
const LOCKED = {
  status: 423,
  about: 'Another request has the upload, or it is being finished: try again',
  fields: [{ name: 'Retry-After', about: 'Seconds' }],
};
const UNAVAILABLE = {
  status: 503,
  about: 'The store cannot be used now, or the server shuts down: try again',
  fields: [{ name: 'Retry-After', about: 'Seconds' }],
};
const TOO_LARGE = { status: 413, about: 'Larger than the limit, or than the length that was announced' };
const NO_SPACE = { status: 507, about: 'No space is left' };
const MISMATCH = { status: 460, about: 'The checksum does not fit; nothing of the body is kept' };

/** By the controller's methods. OPTIONS is answered before the router, so that it is no route. */
export const ROUTES = {
  create: {
    summary: 'Create an upload',
    description:
      'tus 1.0.0, creation. A body of type `application/offset+octet-stream` is stored at once. `OPTIONS` on the same URL tells ' +
      'what the server can do: Tus-Version, Tus-Extension, Tus-Max-Size.',
    headers: [version, length, deferred, metadata, concat, checksum],
    consumes: OFFSET_STREAM,
    onUpload: false,
    answers: [
      {
        status: 201,
        about: 'Created',
        fields: [version, { name: 'Location', about: 'URL of the upload' }, offset, expires],
      },
      BAD_REQUEST,
      FORBIDDEN,
      { status: 409, about: 'There is an upload with the id that a hook has chosen' },
      UNSUPPORTED_VERSION,
      TOO_LARGE,
      MISMATCH,
      UNAVAILABLE,
      NO_SPACE,
    ],
  },
  override: {
    summary: 'PATCH, HEAD or DELETE by POST',
    description:
      'For clients that can only send POST: X-HTTP-Method-Override names the method that is meant.',
    headers: [
      version,
      { name: 'X-HTTP-Method-Override', about: 'PATCH, HEAD or DELETE', required: true },
      offset,
      checksum,
    ],
    consumes: OFFSET_STREAM,
    onUpload: true,
    answers: [
      { status: 200, about: 'As HEAD' },
      { status: 204, about: 'As PATCH or DELETE' },
      { status: 405, about: 'No such method' },
    ],
  },
  status: {
    summary: 'Ask how much is stored',
    description:
      'tus 1.0.0. A running PATCH lets go first, so that the next one succeeds at the offset that is told.',
    headers: [version],
    onUpload: true,
    answers: [
      {
        status: 200,
        about: 'Offset and length',
        fields: [version, offset, length, metadata, concat, expires],
      },
      FORBIDDEN,
      NOT_FOUND,
      GONE,
      UNSUPPORTED_VERSION,
      LOCKED,
    ],
  },
  download: {
    summary: 'Download a finished upload',
    description: 'Ranges and conditional requests are understood. No part of tus.',
    headers: [
      { name: 'Range', about: 'e.g. `bytes=0-1023`' },
      { name: 'If-Range', about: 'An ETag or date: the range counts only for it' },
      { name: 'If-None-Match', about: 'An ETag: 304 for it' },
    ],
    produces: 'application/octet-stream',
    onUpload: true,
    answers: [
      {
        status: 200,
        about: 'All of it',
        fields: [{ name: 'ETag', about: 'Tag of the content' }],
        hasContent: true,
      },
      {
        status: 206,
        about: 'A range of it',
        fields: [{ name: 'Content-Range', about: 'First, last, and all bytes' }],
        hasContent: true,
      },
      {
        status: 302,
        about: 'The store has it served by somebody else for a while',
        fields: [{ name: 'Location', about: 'Where' }],
      },
      { status: 304, about: 'Not changed' },
      { status: 400, about: 'Not finished yet' },
      NOT_FOUND,
      { status: 416, about: 'No such range' },
    ],
  },
  append: {
    summary: 'Append to an upload',
    description:
      'tus 1.0.0. What arrived is kept when the connection breaks, unless a checksum was announced.',
    headers: [version, { ...offset, required: true }, length, checksum],
    consumes: OFFSET_STREAM,
    onUpload: true,
    answers: [
      { status: 204, about: 'Stored', fields: [version, offset, expires] },
      BAD_REQUEST,
      FORBIDDEN,
      NOT_FOUND,
      { status: 409, about: 'The offset is another one', fields: [offset] },
      GONE,
      UNSUPPORTED_VERSION,
      TOO_LARGE,
      LOCKED,
      MISMATCH,
      UNAVAILABLE,
      NO_SPACE,
    ],
  },
  terminate: {
    summary: 'Delete an upload',
    description: 'tus 1.0.0, termination.',
    headers: [version],
    onUpload: true,
    answers: [
      { status: 204, about: 'Deleted', fields: [version] },
      FORBIDDEN,
      NOT_FOUND,
      UNSUPPORTED_VERSION,
      LOCKED,
    ],
  },
} as const satisfies Record<string, DocumentedRoute>;
