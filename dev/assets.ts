/** `node dev/assets.ts`: writes the files that the Worker serves to `public/`: the description of the management API and the dashboard. */
import './openapi.ts';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildDashboard } from './dashboard.ts';
import { putAsset } from './put-asset.ts';
import { ROOT } from './root.ts';

/** The names of the dashboard's files have a hash of their content, so a browser may keep them. */
const HEADERS = `/dashboard/assets/*
  Cache-Control: public, max-age=31536000, immutable
  X-Content-Type-Options: nosniff
`;

await mkdir(join(ROOT, '.dev'), { recursive: true });
await buildDashboard();
await putAsset('_headers', HEADERS);
