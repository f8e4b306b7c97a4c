import type { Catalogue } from '../catalog/catalogue.ts';
import { audienceOf } from '../config/config.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { pageHeaders, payingPageHeaders } from '../gateway/page.ts';
import { problem } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import {
  type HealthReport,
  type HealthReports,
  openHealthReports,
  sharedByCache,
} from './health-reports.ts';
import { faultPage, homePage } from './home-page.ts';
import { HOME_STYLE } from './home-style.ts';
import { listingJson } from './listing-json.ts';
import { type Listing, listingOf } from './listing.ts';
import { llmsText } from './llms-text.ts';
import { type Assets, readManagementDocument } from './management-document.ts';
import { openApiDocument } from './openapi-document.ts';
import { readResults } from '../audit/tool-health.ts';
import { x402Document } from './x402-document.ts';

/** The public documents about the tools. `home` is a page for browsers and JSON for programs. */
export type DocumentName = 'home' | 'openapi' | 'llms' | 'x402';

/** The services that documents are rendered from. */
export type DiscoveryServices = Pick<Gateway, 'config' | 'catalogue' | 'waitUntil'> & {
  readonly db: D1Database;
  /** Undefined where a Worker runs without its deployment, as in tests. */
  readonly assets: Assets | undefined;
};

/** Describes what the gateway sells, to anyone. An isolate renders a document at most once a minute and version of the catalogue. */
export const describe = async (
  services: DiscoveryServices,
  document: DocumentName,
  request: Request,
): Promise<Response> => {
  const { config, catalogue, waitUntil, db, assets } = services;
  const now = nowSeconds();
  const audience = audienceOf(config, request.url);
  const [sold, report] = await Promise.all([
    catalogue.current(now, waitUntil),
    reportsOf(db, config.audiences[0]).current(now, waitUntil),
  ]);
  const made = { document: variantOf(document, request), audience, sold, report, now };
  const body = await remembered(made, async () => {
    const listing = listingOf(config, sold, report, { audience, at: now });
    return await RENDER[made.document](listing, assets);
  });
  return body === undefined
    ? problem({ reason: 'not_found' })
    : new Response(body, { headers: HEADERS[made.document] });
};

/** Answers for a gateway that is not configured: a page for browsers, and the problem for programs. */
export const describeFault = async (
  reason: Reason,
  document: DocumentName,
  request: Request,
): Promise<Response> => {
  const answer = await problem(reason);
  if (variantOf(document, request) !== 'page' || reason.reason !== 'misconfigured') return answer;
  return new Response(faultPage(reason.faults), {
    status: answer.status,
    headers: { ...pageHeaders(HOME_STYLE), 'Cache-Control': 'no-store', Vary: 'Accept' },
  });
};

type Variant = Exclude<DocumentName, 'home'> | 'page' | 'json';

const variantOf = (document: DocumentName, request: Request): Variant => {
  if (document !== 'home') return document;
  return (request.headers.get('Accept') ?? '').includes('text/html') ? 'page' : 'json';
};

/** Undefined: the deployment lacks a part of the document. */
type Body = string | undefined;

const RENDER: {
  readonly [Name in Variant]: (
    listing: Listing,
    assets: Assets | undefined,
  ) => Body | Promise<Body>;
} = {
  page: homePage,
  json: (listing) => JSON.stringify(listingJson(listing)),
  openapi: async (listing, assets) => {
    const management = await readManagementDocument(assets);
    return management && JSON.stringify(openApiDocument(listing, management));
  },
  llms: llmsText,
  x402: (listing) => JSON.stringify(x402Document(listing)),
};

/** No longer than isolates need to learn of a change of a price. */
const CACHED = { 'Cache-Control': 'public, max-age=5' } as const;
const JSON_TYPE = { ...CACHED, 'Content-Type': 'application/json' } as const;

const HEADERS: { readonly [Name in Variant]: Readonly<Record<string, string>> } = {
  page: { ...payingPageHeaders(HOME_STYLE), ...CACHED, Vary: 'Accept' },
  json: { ...JSON_TYPE, Vary: 'Accept' },
  openapi: JSON_TYPE,
  llms: { ...CACHED, 'Content-Type': 'text/plain; charset=utf-8' },
  x402: JSON_TYPE,
};

type Made = {
  readonly document: Variant;
  /** Only a configured origin, so that a client cannot fill the memory with others. */
  readonly audience: string;
  readonly sold: Catalogue;
  readonly report: HealthReport | undefined;
  readonly now: Seconds;
};

const MINUTE: Seconds = 60;

/** The newest body of each document and audience. */
const bodies = new Map<string, Made & { readonly body: string }>();

const remembered = async (made: Made, render: () => Promise<Body>): Promise<Body> => {
  const key = `${made.document} ${made.audience}`;
  const known = bodies.get(key);
  if (
    known !== undefined &&
    known.sold === made.sold &&
    known.report === made.report &&
    made.now - known.now < MINUTE
  )
    return known.body;
  const body = await render();
  if (body !== undefined) bodies.set(key, { ...made, body });
  return body;
};

let opened: { readonly db: D1Database; readonly reports: HealthReports } | undefined;

/** One instance per isolate. */
const reportsOf = (db: D1Database, audience: string): HealthReports => {
  if (opened?.db === db) return opened.reports;
  const reports = openHealthReports(
    async (now) => await readResults(db, now),
    sharedByCache(caches.default, audience),
  );
  opened = { db, reports };
  return reports;
};
