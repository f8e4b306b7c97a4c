import * as z from 'zod/mini';

const record = z.record(z.string(), z.unknown());

const schema = z.looseObject({
  info: record,
  tags: z.array(z.unknown()),
  paths: z.record(z.string(), record),
  components: z.looseObject({ securitySchemes: record }),
});

/** The description of the management API, as `dev/openapi.ts` wrote it. */
export type ManagementDocument = z.infer<typeof schema>;

let known: ManagementDocument | undefined;

/**
 * Reads the description of the management API from the deployment, once per isolate.
 *
 * @returns undefined if the deployment has no such file; `npm run deploy` writes it
 */
export const readManagementDocument = async (
  assets: Assets | undefined,
): Promise<ManagementDocument | undefined> => {
  if (known !== undefined) return known;
  const answer = await assets?.fetch('https://assets.invalid/openapi.json');
  if (answer?.ok !== true) {
    console.error({ event: 'openapi_missing', status: answer?.status });
    return undefined;
  }
  known = schema.parse(await answer.json());
  return known;
};

/** Static assets of the deployment. */
export type Assets = Pick<Fetcher, 'fetch'>;
