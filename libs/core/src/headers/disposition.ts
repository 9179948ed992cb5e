/** What RFC 8187 lets stand in an `ext-value` besides letters and digits. */
const NOT_ATTR_CHAR = /[^A-Za-z0-9!#$&+.^_`|~-]/gu;
const CONTROL = /[\u0000-\u001f\u007f]/g;
const NOT_ASCII = /[^\x20-\x7e]/;

/**
 * Content-Disposition for a download (RFC 6266): an ASCII `filename`, and `filename*` (RFC 8187) when that loses something.
 * Nothing of the name can leave its parameter.
 */
export function contentDisposition(kind: 'inline' | 'attachment', filename: string | undefined): string {
  if (!filename) return kind;
  const name = filename.replace(CONTROL, '').replace(/^.*[/\\]/s, '');
  if (name === '') return kind;
  const ascii = name.replace(new RegExp(NOT_ASCII, 'gu'), '?').replace(/["\\]/g, '\\$&');
  const plain = `${kind};filename="${ascii}"`;
  // A percent sign would be decoded by some browsers although it is not to be.
  return NOT_ASCII.test(name) || name.includes('%')
    ? `${plain};filename*=UTF-8''${encodeExtValue(name)}`
    : plain;
}

function encodeExtValue(text: string): string {
  return text.toWellFormed().replace(NOT_ATTR_CHAR, (character) => encodeOctets(character));
}

function encodeOctets(character: string): string {
  return [...Buffer.from(character, 'utf8')]
    .map((octet) => `%${octet.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
