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
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
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
  // It names the files of one build: an older copy would name files that are gone.
  'Cache-Control': 'no-store',
} as const;

export type DashboardServices = {
  readonly assets: Assets | undefined;
  /** JSON of keys that anyone may know, of a local stack: the page offers them as a wallet. Undefined in every deployment. */
  readonly localKeys: string | undefined;
};

/** Serves the page of the dashboard for every path below `/dashboard`: the page itself reads the path. It holds no data of anybody. */
export const serveDashboard = async (
  { assets, localKeys }: DashboardServices,
  request: Request,
): Promise<Response> => {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problem({ reason: 'method_not_allowed', allow: ['GET'] });
  }
  // Its files are served as assets; a path that reaches the Worker names one of another build.
  const isFile = new URL(request.url).pathname.startsWith('/dashboard/assets/');
  const page = isFile ? undefined : await assets?.fetch('https://assets.invalid/dashboard/');
  if (page?.ok !== true) {
    await page?.body?.cancel();
    return problem({ reason: 'not_found' });
  }
  if (localKeys === undefined) return new Response(page.body, { headers: HEADERS });
  const offered = `<meta name="countersign-local-keys" content="${escaped(localKeys)}"></head>`;
  const html = (await page.text()).replace('</head>', () => offered);
  return new Response(html, { headers: HEADERS });
};
