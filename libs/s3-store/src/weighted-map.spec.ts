import { WeightedMap, weightOf } from './weighted-map.js';

describe('WeightedMap', () => {
  it('forgets what was set first when there is too much', () => {
    const map = new WeightedMap<number>(10);
    map.set('a', 1, 4);
    map.set('b', 2, 4);
    map.set('a', 3, 4);
    map.set('c', 4, 4);
    expect(['a', 'b', 'c'].map((key) => map.get(key))).toEqual([3, undefined, 4]);
    map.delete('a');
    map.delete('a');
    map.set('d', 5, 6);
    expect(['c', 'd'].map((key) => map.get(key))).toEqual([4, 5]);
  });

  it('holds fewer uploads the more metadata they have', () => {
    const upload = { id: 'a', size: 1, sizeIsDeferred: false, offset: 0, isPartial: false, isFinal: false };
    const info = { ...upload, partialUploads: [] };
    expect(weightOf({ ...info, metaData: {} })).toBe(1);
    expect(weightOf({ ...info, metaData: { k: 'v'.repeat(1_023) }, metaDataHeader: 'h'.repeat(512) })).toBe(
      4,
    );
  });
});
