/** RFC 9110, 5.6.2: a token. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** What Node refuses to send in a value: control characters, and what Latin-1 does not have. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

/** The fields that say how a message is framed and which protocol it speaks: they follow from the answer, never from an application. */
const FRAMING: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'date',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'tus-resumable',
  'upgrade',
]);
/** The fields that say how far an upload has come: an application cannot know better. */
const PROGRESS: ReadonlySet<string> = new Set(['upload-complete', 'upload-incomplete', 'upload-offset']);

/** True for what can be a field's name in any version of HTTP. */
export function isFieldName(name: string): boolean {
  return NAME.test(name);
}

/** True for a text that Node sends as a field's value. */
export function isFieldValue(value: string): boolean {
  return !UNSENDABLE.test(value);
}

/** True for a field that no application decides, in any spelling: framing, and how far the upload has come. */
export function isProtocolField(name: string): boolean {
  const lower = name.toLowerCase();
  return FRAMING.has(lower) || PROGRESS.has(lower);
}

/** True for the status of a final response: 200 to 599. */
export function isFinalStatus(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 200 && value <= 599;
}
