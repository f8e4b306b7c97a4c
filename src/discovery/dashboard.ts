import { escaped } from '../gateway/page.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Assets } from './management-document.ts';

/**
 * The policy of the dashboard: its own files only, no inline script or style, no frame around it, and no HTML from strings (Trusted Types).
 * `style-src` allows what Preact sets through the CSSOM.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  // The policy of the verifier's worker (src/dashboard/data/audit/verify-in-worker.ts). Injected code cannot make another one.
  'trusted-types countersign-verifier',
].join('; ');

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': POLICY,
  // Some wallets sign in a window that the page opens.
  'Cross-Origin-Opener-Policy': 'same-origin-allow-popups',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=()',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  // The page names the files of one build: an older copy would name files that no longer exist.
  'Cache-Control': 'no-store',
} as const;

export type DashboardServices = {
  readonly assets: Assets | undefined;
  /** JSON of keys that anyone may know, of a local stack: the page offers them as a wallet. Undefined in every deployment. */
  readonly localKeys: string | undefined;
};

/** The script of the public pages. It names the files of one build, so browsers revalidate it each time. */
const PAY_SCRIPT = '/dashboard/pay.js';
/** The keys of a local stack, for the wallets of those pages. */
const LOCAL_KEYS = '/dashboard/local-keys.json';

/**
 * Serves the page of the dashboard for every path below `/dashboard`: the page itself reads the path. The page contains no account data.
 * Other files are assets; if the path of an asset reaches the Worker, it names a file of another build.
 */
export const serveDashboard = async (
  services: DashboardServices,
  request: Request,
): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem({ reason: 'method_not_allowed', allow: ['GET'] });
  }
  const { pathname } = new URL(request.url);
  if (pathname === PAY_SCRIPT) return payScript(services, request);
  if (pathname === LOCAL_KEYS && services.localKeys !== undefined) {
    return new Response(services.localKeys, {
      headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' },
    });
  }
  const isFile = pathname === LOCAL_KEYS || pathname.startsWith('/dashboard/assets/');
  const page = isFile ? undefined : await services.assets?.fetch(`${ASSETS}/dashboard/`);
  if (page?.ok !== true) {
    await page?.body?.cancel();
    return problem({ reason: 'not_found' });
  }
  return pageOf(page, services.localKeys);
};

const ASSETS = 'https://assets.invalid';

const payScript = async ({ assets }: DashboardServices, request: Request): Promise<Response> => {
  const known = request.headers.get('If-None-Match');
  const headers: HeadersInit = known === null ? {} : { 'If-None-Match': known };
  const script = await assets?.fetch(ASSETS + PAY_SCRIPT, { headers });
  if (script?.ok === true || script?.status === 304) return new Response(script.body, script);
  await script?.body?.cancel();
  return problem({ reason: 'not_found' });
};

const pageOf = async (page: Response, localKeys: string | undefined): Promise<Response> => {
  if (localKeys === undefined) return new Response(page.body, { headers: HEADERS });
  const offered = `<meta name="countersign-local-keys" content="${escaped(localKeys)}"></head>`;
  const html = (await page.text()).replace('</head>', () => offered);
  return new Response(html, { headers: HEADERS });
};
