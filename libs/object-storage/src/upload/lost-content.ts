/**
 * Bytes that count are not in the storage any more: a lifecycle rule has removed the parts or a tail object. The upload cannot be finished, and is
 * removed; so nothing may be taken for this that is not certain.
 */
export class LostContent extends Error {
  override readonly name = 'LostContent';
}
