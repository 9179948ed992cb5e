import { errors } from '../errors.js';
import type { FileInfo, UploadProtocol } from '../file-info.js';
import { PARTIAL_UPLOAD } from '../headers/media-type.js';

/** What a PATCH of each protocol consists of. */
const PATCH_TYPES: Readonly<Record<UploadProtocol, string>> = {
  tus: 'application/offset+octet-stream',
  ietf: PARTIAL_UPLOAD,
};

/**
 * Only the protocol that made an upload appends to it: they do not agree on when it is complete.
 * @throws HttpError `ERR_FOREIGN_UPLOAD` (415), with what the upload does accept
 */
export function failIfForeign(
  info: Pick<FileInfo, 'protocol'>,
  request: { readonly protocol: UploadProtocol },
): void {
  const owner = info.protocol ?? 'tus';
  if (owner !== request.protocol) throw errors.foreignUpload(PATCH_TYPES[owner]);
}
