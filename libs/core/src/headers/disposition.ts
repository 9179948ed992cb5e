/** What RFC 8187 lets stand in an `ext-value` besides letters and digits. */
const NOT_ATTR_CHAR = /[^A-Za-z0-9!#$&+.^_`|~-]/gu;
const CONTROL = /[\u0000-\u001f\u007f]/g;
const NOT_ASCII = /[^\x20-\x7e]/;

/** What some clients read otherwise than it is meant in a quoted text: `\\` as a separator of folders, `"` as its end. */
const MISREAD = /["\\]/g;

/**
 * Content-Disposition for a download (RFC 6266): an ASCII `filename`, and `filename*` (RFC 8187) when that loses something.
 * Nothing of the name can leave its parameter.
 */
export function contentDisposition(kind: 'inline' | 'attachment', filename: string | undefined): string {
  const name = typeof filename === 'string' ? withoutFolders(filename.replace(CONTROL, '')) : '';
  if (name === '') return kind;
  const ascii = name.replace(new RegExp(NOT_ASCII, 'gu'), '?').replace(MISREAD, '_');
  const plain = `${kind};filename="${ascii}"`;
  // A percent sign would be decoded by some browsers although it is not to be.
  return ascii !== name || name.includes('%') ? `${plain};filename*=UTF-8''${encodeExtValue(name)}` : plain;
}

/** Browsers of old sent the whole path of Windows; elsewhere a backslash is a letter of the name. */
export function withoutFolders(name: string): string {
  const base = name.replace(/^.*\//s, '');
  return /^(?:[A-Za-z]:|\\|\.{1,2}\\)/.test(base) ? base.replace(/^.*\\/s, '') : base;
}

function encodeExtValue(text: string): string {
  return text.toWellFormed().replace(NOT_ATTR_CHAR, (character) => encodeOctets(character));
}

function encodeOctets(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
