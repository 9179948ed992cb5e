/** Jest's global tear-down beside s3-redis-started.mjs. */
export default async function stopServices() {
  await globalThis.stopServices();
}
