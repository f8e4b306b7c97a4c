import type { Progress, Report } from '../../../audit/verify/index.ts';
import type { VerifierJob, VerifierMessage } from './verifier-job.ts';
// oxlint-disable-next-line import/default -- Vite answers this address with a module that has only a default export.
import verifierUrl from './verifier-worker.ts?worker&url';

type TrustedTypes = {
  readonly createPolicy: (
    name: string,
    rules: { readonly createScriptURL: (url: string) => string },
  ) => { readonly createScriptURL: (url: string) => string };
};

/** The page's policy requires a trusted URL for a worker (Trusted Types), and allows only this policy. */
const trusted = (globalThis as { readonly trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy(
  'countersign-verifier',
  {
    createScriptURL: (url) => {
      if (url === verifierUrl) return url;
      throw new TypeError('The dashboard starts no worker but its verifier.');
    },
  },
);

/**
 * Verifies an export in a worker: the page stays usable, and the page's policy, which compiles no WebAssembly, does not bind it.
 *
 * @throws the reason of `signal`; an `Error` if the worker did not start
 */
export const verifyInWorker = async (
  job: VerifierJob,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (progress: Progress) => void },
): Promise<Report> => {
  signal.throwIfAborted();
  const worker = new Worker(trusted?.createScriptURL(verifierUrl) ?? verifierUrl, {
    type: 'module',
  });
  try {
    return await new Promise<Report>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      worker.addEventListener('error', () =>
        reject(new Error('The verifier did not start in this browser.')),
      );
      worker.addEventListener('message', ({ data }: MessageEvent<VerifierMessage>) => {
        if (data.kind === 'ready') worker.postMessage(job);
        else if (data.kind === 'progress') onProgress(data.progress);
        else if (data.kind === 'report') resolve(data.report);
        else reject(new Error(`The verifier failed: ${data.why}`));
      });
    });
  } finally {
    worker.terminate();
  }
};
