import { withoutFolders } from './disposition.js';

/** A parameter: its name, and a token or a quoted string. */
const PARAMETER = /;\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/gsy;
const TYPE = /^\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*/y;
const EXT_VALUE = /^(utf-8|iso-8859-1)'[^']*'((?:%[0-9A-Fa-f]{2}|[!#$&+.^_`|~0-9A-Za-z-])*)$/i;

/**
 * The file name in a Content-Disposition (RFC 6266): `filename*` before `filename`, without the folders in front of it.
 * @returns undefined when there is none, or the field is malformed before it
 */
export function readFilename(field: string | undefined): string | undefined {
  const parameters = parametersOf(field ?? '');
  const extended = decodeExtValue(parameters.get('filename*'));
  const name = extended ?? parameters.get('filename');
  // RFC 6266, 4.3: "Recipients … MUST NOT be able to write into any location": only the last segment counts.
  const base = name && withoutFolders(name.replace(/[\u0000-\u001f\u007f]/g, ''));
  return base === undefined || /^\.*$/.test(base.trim()) ? undefined : base;
}

function parametersOf(field: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  TYPE.lastIndex = 0;
  if (!TYPE.test(field)) return parameters;
  PARAMETER.lastIndex = TYPE.lastIndex;
  for (let match = PARAMETER.exec(field); match; match = PARAMETER.exec(field)) {
    const [, name = '', quoted, token = ''] = match;
    const value = quoted === undefined ? token : utf8(quoted.replace(/\\(.)/gs, '$1'));
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  return parameters;
}

/** RFC 8187. */
function decodeExtValue(value: string | undefined): string | undefined {
  const [, charset = '', octets = ''] = EXT_VALUE.exec(value ?? '') ?? [];
  if (charset === '') return undefined;
  const bytes = Buffer.from(unescape(octets), 'latin1');
  return bytes.toString(charset.toLowerCase() === 'utf-8' ? 'utf8' : 'latin1');
}

function unescape(octets: string): string {
  return octets.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Node reads headers as Latin-1; browsers put UTF-8 into a plain `filename`. What is not UTF-8 stays as it is. */
function utf8(text: string): string {
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? text : decoded;
}
