import type { FileInfo } from '@nestjs-tus/core';
import { isReservedId, keyTemplateProblem, ObjectKeys } from './object-keys.js';

const infoOf = (fields: Partial<FileInfo> = {}): FileInfo => ({
  id: 'id1',
  size: 1,
  sizeIsDeferred: false,
  offset: 0,
  metaData: {},
  isPartial: false,
  isFinal: false,
  partialUploads: [],
  createdAt: new Date('2025-01-02T23:00:00Z'),
  ...fields,
});

describe('object keys', () => {
  it('come from the template, a function, or a hook', () => {
    expect(new ObjectKeys('up/', '{year}/{month}/{day}/{id}', 1_024).object(infoOf()).key).toBe(
      'up/2025/01/02/id1',
    );
    const byName = new ObjectKeys('', (info) => `${info.metaData['owner']}/${info.id}`, 1_024);
    expect(byName.object(infoOf({ metaData: { owner: 'ada' } }))).toEqual({
      key: 'ada/id1',
      isChosen: false,
    });
    const chosen = new ObjectKeys('up/', '{id}', 1_024).object(infoOf({ storage: { key: 'x/y' } }));
    expect(chosen).toEqual({ key: 'up/x/y', isChosen: true });
  });

  it.each(['', '/x', 'a.info', 'a.tail-0f', 'a.info-0123456789ab', 'x'.repeat(1_025)])(
    'are not %p',
    (key) => {
      expect(() => new ObjectKeys('', '{id}', 1_024).object(infoOf({ storage: { key } }))).toThrow(
        'something went wrong on the server',
      );
    },
  );

  it('of records are recognised, those of other applications are not', () => {
    const keys = new ObjectKeys('up/', '{id}', 1_024);
    expect(keys.idOfRecord('up/abc.info')).toBe('abc');
    expect(keys.idOfRecord('up/abc.info-0123456789ab')).toBe('abc');
    for (const other of [
      'up/abc',
      'abc.info',
      'up/abc.tail-00',
      'up/x/abc.info',
      'up/.info',
      'up/abc.info.info',
    ]) {
      expect(keys.idOfRecord(other)).toBeUndefined();
    }
  });

  it('of tails are never the same', () => {
    const keys = new ObjectKeys('', '{id}', 1_024);
    expect(keys.newTail('a')).not.toBe(keys.newTail('a'));
  });

  it('keep ids apart that look like them', () => {
    const reserved = ['a.info', 'a.tail', 'a.tail-0f', 'a.tail-zz', 'a.info-00', 'a.info-0.pdf'];
    expect(reserved.filter((id) => !isReservedId(id))).toEqual([]);
    expect(['a', 'info', 'a.information', 'a.info.b', 'a-tail'].filter(isReservedId)).toEqual([]);
  });

  it('need a template that tells uploads apart', () => {
    expect(keyTemplateProblem('{id}')).toBeUndefined();
    expect(keyTemplateProblem('{year}')).toContain('{id}');
    expect(keyTemplateProblem('/{id}')).toContain('slash');
    expect(keyTemplateProblem('{id}/{name}')).toContain('{name}');
  });
});
