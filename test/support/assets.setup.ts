/** Builds what the Worker serves as files, so that a test never looks at an older dashboard. */
export const setup = async (): Promise<void> => {
  await import('../../dev/assets.ts');
};
