import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import type { Management } from '../../src/client/management.ts';
import type { ToolDocument } from '../../src/management/tool.route.ts';
import { useBrowserStack } from './browser-stack.ts';
import { open, read, signInAs } from './dashboard-page.ts';
import { closeAndPress } from './in-page.ts';
import { inEveryLook } from './looks.ts';

const local = useBrowserStack(() => ({ market: true }));
let operator: Management;

/** Markup and a direction override, which are harmless as text. */
const HOSTILE = '<img src=x onerror="document.title=\'owned\'"> \u202etxet';
const SECRET = 'sk_live_4f9d0c1b7a26e835';

const API = `
openapi: 3.1.0
servers: [{ url: https://pets.example/v1 }]
paths:
  /pets:
    get: { operationId: listPets, summary: '<script>alert(1)</script> Lists pets.' }
    post: { operationId: addPet, summary: Adds a pet. }
  /pets/x{part}:
    get: { operationId: partly, summary: Cannot be sold. }
`;

const stored = async (tool: string) => operator.call('tools.get', { params: { tool } });

/** Changes a tool through the API, as another operator would. */
const changeElsewhere = async (id: string, changes: Partial<ToolDocument>): Promise<void> => {
  const { body, etag = '*' } = await stored(id);
  await operator.call('tools.put', {
    params: { tool: id },
    body: { ...body, ...changes },
    ifMatch: etag,
  });
};

beforeAll(async () => {
  operator = openOperator(local.stack.gateway);
  await changeElsewhere('translate', { description: HOSTILE });
});

const openTool = async (page: Page, id: string): Promise<void> => {
  await open(page, 'Tools');
  await page.getByRole('table').getByRole('link', { name: id, exact: true }).click();
  await page.getByRole('heading', { level: 1, name: id }).waitFor();
  await read(page);
};

const reviewPrice = async (page: Page, price: string): Promise<void> => {
  await page.getByRole('button', { name: 'Edit' }).click();
  await page.getByLabel('Price of a call, in dollars').fill(price);
  await page.getByRole('button', { name: 'Review' }).click();
};

const saved = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Save with the wallet' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};

describe('a tool', () => {
  it('gets another price after its change was shown, and shows the version before', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    await openTool(page, 'lookup');
    await reviewPrice(page, '0.0000001');
    await page.getByText('must be an amount').waitFor();
    await page.getByLabel('Price of a call, in dollars').fill('0.003');
    await page.getByRole('button', { name: 'Review' }).click();
    const change = page.getByRole('dialog', { name: 'Change lookup?' });
    await change.waitFor();
    expect(await change.locator('del').allTextContents()).toEqual(['$0.001']);
    expect(await change.locator('ins').allTextContents()).toEqual(['$0.003']);
    await saved(page);
    await page.getByText('0.003 USDC').first().waitFor();
    expect((await stored('lookup')).body.price).toBe('$0.003');
    await expect
      .poll(() => page.getByRole('region', { name: 'Versions' }).getByRole('row').count(), {
        timeout: 60_000,
      })
      .toBeGreaterThan(1);
    expect(complaints).toEqual([]);
  });

  it('shows both versions where another operator was faster, and keeps the changes of both', async () => {
    const { page } = await signInAs(local, 'operator');
    await openTool(page, 'report');
    await page.getByRole('button', { name: 'Edit' }).click();
    await page.getByLabel('Price of a call, in dollars').fill('0.07');
    await changeElsewhere('report', { description: 'Counts words.' });
    await page.getByRole('button', { name: 'Review' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('changed while you were editing it').waitFor();
    expect(await dialog.locator('ins').allTextContents()).toEqual(['Counts words.', '$0.07']);
    await changeElsewhere('report', { price: '$0.06' });
    await page.getByRole('button', { name: 'Save with the wallet' }).click();
    await dialog.getByText('changed by both').waitFor();
    await saved(page);
    expect((await stored('report')).body).toMatchObject({
      ...{ price: '$0.07', description: 'Counts words.' },
    });
  });

  it('is disabled, and deleted with its consequence shown', async () => {
    const { page } = await signInAs(local, 'operator');
    await openTool(page, 'translate');
    expect(await page.locator('main img').count()).toBe(0);
    expect(await page.getByText('<img src=x').count()).toBeGreaterThan(0);
    expect(await page.locator('main').innerText()).not.toContain('\u202e');
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.evaluate(closeAndPress('Disable'));
    expect(await page.getByRole('dialog', { name: 'Disable translate?' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Disable with the wallet' }).click();
    await page.getByRole('button', { name: 'Enable' }).waitFor();
    await page.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('Its path becomes free').waitFor();
    await page.getByRole('button', { name: 'Delete with the wallet' }).click();
    await page.getByRole('heading', { level: 1, name: 'Tools' }).waitFor();
    await expect(stored('translate')).rejects.toMatchObject({ response: { status: 404 } });
    expect(await page.title()).not.toBe('owned');
  });

  it('is made from a form that says what is wrong', async () => {
    const { page } = await signInAs(local, 'operator');
    await open(page, 'Tools');
    await page.getByRole('link', { name: 'New tool' }).click();
    await page.getByLabel('Id', { exact: true }).fill('lookup');
    await page.getByLabel('Description', { exact: true }).fill('Says hello.');
    await page.getByLabel('Path at this gateway').fill('/admin/x');
    await page.getByLabel('Upstream', { exact: true }).fill('/lookup');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByText('is a path of the gateway itself').waitFor();
    await page.getByLabel('Path at this gateway').fill('/tools/hello');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByText('is the id of another tool').waitFor();
    await page.getByLabel('Id', { exact: true }).fill('hello');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Add with the wallet' }).click();
    await page.getByRole('heading', { level: 1, name: 'hello' }).waitFor();
    expect((await stored('hello')).body).toMatchObject({ price: '$0.01', path: '/tools/hello' });
  });
});

const previewImport = async (page: Page): Promise<void> => {
  await open(page, 'Tools');
  await page.getByRole('link', { name: 'Import' }).click();
  await page.getByLabel('OpenAPI document').fill(API);
  await page.getByLabel('Prefix of each id').fill('zoo');
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('heading', { name: 'Preview' }).waitFor();
};

describe('an import', () => {
  it('of an OpenAPI document shows its tools, and makes the chosen ones', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    await previewImport(page);
    await page.getByText('which no parameter describes').waitFor();
    await page.getByLabel('Import zoo.add_pet').uncheck();
    await page.getByRole('button', { name: 'Import 1 tool' }).click();
    await page.getByRole('button', { name: 'Import with the wallet' }).click();
    await page.getByRole('link', { name: 'zoo.list_pets' }).click();
    await page.getByText('<script>alert(1)</script> Lists pets.').first().waitFor();
    expect((await stored('zoo.list_pets')).body.upstream).toBe('https://pets.example/v1/pets');
    await expect(stored('zoo.add_pet')).rejects.toMatchObject({ response: { status: 404 } });
    expect(complaints).toEqual([]);
  });

  it('of an MCP server takes what the server lists, and calls no other server', async () => {
    const { page } = await signInAs(local, 'operator');
    const hosts = new Set<string>();
    page.on('request', (request) => hosts.add(new URL(request.url()).origin));
    await open(page, 'Tools');
    await page.getByRole('link', { name: 'Import' }).click();
    await page.getByRole('button', { name: 'MCP server' }).click();
    const listed = { name: 'Search', description: HOSTILE, inputSchema: { type: 'object' } };
    await page.getByLabel('Tool list of the server').fill(JSON.stringify({ tools: [listed] }));
    await page.getByLabel('Endpoint').fill('https://mcp.example/mcp');
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByRole('button', { name: 'Import 1 tool' }).click();
    await page.getByRole('button', { name: 'Import with the wallet' }).click();
    await page.getByRole('link', { name: 'search', exact: true }).click();
    await page.getByText('Search of the MCP server').waitFor();
    expect((await stored('search')).body.upstream).toMatchObject({ tool: 'Search' });
    expect([...hosts]).toEqual([new URL(local.stack.gateway.url).origin]);
  });
});

describe('a secret', () => {
  it('is stored, leaves nothing in the page, and is deleted', async () => {
    const { page } = await signInAs(local, 'operator');
    const sent: string[] = [];
    page.on('request', (request) => {
      if (request.postData()?.includes(SECRET) === true) sent.push(request.url());
    });
    await open(page, 'Secrets');
    await page.getByRole('button', { name: 'Store a secret' }).click();
    await page.getByLabel('Name', { exact: true }).fill('weather');
    await page.getByLabel('Host', { exact: true }).fill('api.weather.example');
    await page.getByLabel('Value', { exact: true }).fill('short');
    await page.getByLabel('Note').fill(HOSTILE);
    await page.getByRole('button', { name: 'Store with the wallet' }).click();
    await page.getByText('must be at least 8 bytes').waitFor();
    expect(sent).toEqual([]);
    await page.getByLabel('Value', { exact: true }).fill(SECRET);
    await page.getByRole('button', { name: 'Store with the wallet' }).click();
    await page.getByText('body.hint must be 1 to 64 visible characters').waitFor();
    await page.getByLabel('Note').fill(HOSTILE.replace('\u202e', ''));
    sent.length = 0;
    await page.getByRole('button', { name: 'Store with the wallet' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const row = page.getByRole('row').filter({ hasText: 'weather' });
    await row.waitFor();
    expect(sent).toEqual([`${local.stack.gateway.url}/admin/secrets/weather`]);
    expect(await page.content()).not.toContain(SECRET);
    await page.getByRole('button', { name: 'Delete market' }).click();
    await page.getByText('Calls to quotes get 503').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete weather' }).click();
    await page.getByText('No tool uses it.').waitFor();
    await page.getByRole('button', { name: 'Delete with the wallet' }).click();
    await row.waitFor({ state: 'detached' });
  });
});

describe('the pages of tools, secrets and the signer', () => {
  it('have no fault that axe finds, dialogs open too, in any width and scheme', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    await open(page, 'Tools');
    await inEveryLook(page, 'tools');
    await previewImport(page);
    await inEveryLook(page, 'tools-import');
    await openTool(page, 'lookup');
    await inEveryLook(page, 'tool');
    await reviewPrice(page, '');
    await page.getByText('must be an amount').waitFor();
    await inEveryLook(page, 'tool-faults');
    await page.getByLabel('Price of a call, in dollars').fill('0.25');
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('dialog').waitFor();
    await inEveryLook(page, 'tool-review');
    await page.keyboard.press('Escape');
    await open(page, 'Secrets');
    await inEveryLook(page, 'secrets');
    await page.getByRole('button', { name: 'Store a secret' }).click();
    await page.getByRole('dialog').waitFor();
    await inEveryLook(page, 'secrets-store');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Delete market' }).click();
    await page.getByText('Calls to quotes get 503').waitFor();
    await inEveryLook(page, 'secrets-delete');
    await page.keyboard.press('Escape');
    await open(page, 'Signer');
    await inEveryLook(page, 'signer');
    expect(complaints).toEqual([]);
  });
});
