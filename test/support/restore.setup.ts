import { env } from 'cloudflare:workers';
import { afterAll, vi } from 'vitest';

const given: Readonly<Record<string, unknown>> = { ...env };

// Without isolation, the test files of a project share globals and environment. Each file restores what it replaced, also after a failure.
afterAll(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  for (const name of Object.keys(env)) {
    if (!Object.hasOwn(given, name)) Reflect.deleteProperty(env, name);
  }
  Object.assign(env, given);
});
