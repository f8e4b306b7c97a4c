import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

const given: Readonly<Record<string, unknown>> = { ...env };

// The files of a project without isolation share globals and environment: each gives back what it replaced, also after a failure.
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  for (const name of Object.keys(env)) {
    if (!Object.hasOwn(given, name)) Reflect.deleteProperty(env, name);
  }
  Object.assign(env, given);
});
