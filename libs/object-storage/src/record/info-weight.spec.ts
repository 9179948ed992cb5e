import { weightOf } from './info-weight.js';

it('an info weighs more the more its client has sent of it', () => {
  const upload = { id: 'a', size: 1, sizeIsDeferred: false, offset: 0, isPartial: false, isFinal: false };
  const info = { ...upload, partialUploads: [] };
  expect(weightOf({ ...info, metaData: {} })).toBe(1);
  expect(weightOf({ ...info, metaData: { k: 'v'.repeat(1_023) }, metaDataHeader: 'h'.repeat(512) })).toBe(4);
});
