export type { Assembly, AssemblyRules, Backend, ObjectRange, Part, Target } from './assembly.js';
export type {
  Content,
  HeadOfObject,
  Json,
  ListedKey,
  ListedKeys,
  ListPosition,
  Objects,
  Owner,
  PutOptions,
  Version,
} from './objects.js';
export { ObjectStore, type ObjectStoreOptions } from './object-store.js';
export {
  Changed,
  Conflict,
  Full,
  Missing,
  Passing,
  PiecesRefused,
  SessionGone,
  StorageProblem,
} from './problems.js';
export { ObjectBody, type ObjectBodyOptions } from './content/object-body.js';
export { type KeyTemplate, keyTemplateProblem, prefixProblem } from './record/object-keys.js';
