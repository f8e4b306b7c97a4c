import { openApi } from '../../../dev/openapi/document.ts';
import { catalogueOf } from '../../../src/catalog/catalogue.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import type { Config } from '../../../src/config/config.ts';
import type { HealthReport } from '../../../src/discovery/health-reports.ts';
import { homePage } from '../../../src/discovery/home-page.ts';
import { listingJson } from '../../../src/discovery/listing-json.ts';
import { listingOf } from '../../../src/discovery/listing.ts';
import { llmsText } from '../../../src/discovery/llms-text.ts';
import { openApiDocument } from '../../../src/discovery/openapi-document.ts';
import { x402Document } from '../../../src/discovery/x402-document.ts';
import { AUDIENCE, configOf } from '../gateway/fixture.ts';

/** 27 November 2026, 15:00:00 UTC. */
export const AT = 1_795_791_600;

export const managementApi = openApi('1.2.3');

/** Every discovery document for these tools. */
export const documentsOf = (
  tools: readonly Tool[],
  {
    report,
    ...changes
  }: Partial<Pick<Config, 'networks' | 'payTo' | 'paused'>> & {
    readonly report?: HealthReport;
  } = {},
) => {
  const config = { ...configOf(tools), ...changes };
  const catalogue = catalogueOf({ ...config, documents: [] }, new Map());
  const listing = listingOf(config, catalogue, report, { audience: AUDIENCE, at: AT });
  return {
    page: homePage(listing),
    json: listingJson(listing),
    openapi: openApiDocument(listing, managementApi as never),
    llms: llmsText(listing),
    x402: x402Document(listing),
  };
};
