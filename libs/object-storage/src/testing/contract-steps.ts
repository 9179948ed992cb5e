import assert from 'node:assert/strict';
import type { FileInfo } from '@nestjs-tus/core';
import type { Backend } from '../assembly.js';
import type { Content, Objects, Owner } from '../objects.js';
import type { StorageProblem } from '../problems.js';

/** What a contract suite runs on. */
export interface BackendUnderTest extends Backend {
  /** Put before every key of the test: nothing else is there. */
  readonly prefix: string;
  dispose?(): Promise<void>;
}

export type Problem = new (cause: unknown) => StorageProblem;

export async function rejectsWith(problem: Problem, answer: Promise<unknown>): Promise<void> {
  await assert.rejects(answer, (error: unknown) => isOneOf([problem], error));
}

/** @throws AssertionError when `error` is none of these */
export function isOneOf(problems: readonly Problem[], error: unknown): true {
  const isWanted = problems.some((problem) => error instanceof problem);
  assert.ok(isWanted, `expected ${problems.map(({ name }) => name).join(' or ')}, got ${String(error)}`);
  return true;
}

/** An object's bytes from `start` to `end`, the last one included. */
export async function bytesIn(objects: Objects, key: string, start: number, end: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await objects.open(key, { start, end })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function wholeOf(objects: Objects, key: string): Promise<Buffer> {
  const { size } = (await objects.head(key)) ?? assert.fail(`there is an object ${key}`);
  return bytesIn(objects, key, 0, size - 1);
}

/** Bytes that differ from those of another letter. */
export function filled(letter: string, size: number): Buffer {
  return Buffer.alloc(size, letter);
}

/** Content that is read anew for each attempt, in chunks as a socket gives them. */
export function streamed(bytes: Buffer, chunk = 64 * 1024): Content {
  return {
    size: bytes.length,
    async *open() {
      for (let start = 0; start < bytes.length; start += chunk) yield bytes.subarray(start, start + chunk);
    },
  };
}

/** Content that breaks in the middle. */
export function breaking(size: number, error: Error): Content {
  return {
    size,
    async *open() {
      yield Buffer.alloc(Math.floor(size / 2));
      throw error;
    },
  };
}

export function ownerOf(id: string): Owner {
  const flags = { sizeIsDeferred: false, isPartial: false, isFinal: false };
  const info: FileInfo = { id, size: 1, offset: 0, metaData: {}, partialUploads: [], ...flags };
  return { info, attempt: `${id}/0123456789abcdef` };
}
