/** The parts of a release: the tag, the repository that builds it, the texts of both manifests, and the changelog. */
type Release = {
  /** `v` and the version. */
  readonly tag: string;
  /** `owner/name` of the repository that the workflow runs in. */
  readonly repository: string;
  readonly manifests: Readonly<Record<string, Manifest>>;
  readonly changelog: string;
};

export type Manifest = {
  readonly version: string;
  readonly repository?: { readonly type: string; readonly url: string };
};

const TAG = /^v(\d+\.\d+\.\d+(?:-[0-9a-z.]+)?)$/;

/**
 * Returns the faults that forbid publishing a release, one sentence each. npm compares the field `repository` with the provenance only
 * while it publishes; by then it may have published the first of the two packages.
 */
export const releaseFaults = (release: Release): readonly string[] => {
  const { tag, repository, manifests, changelog } = release;
  const [, version] = TAG.exec(tag) ?? [];
  if (version === undefined) return [`The tag ${tag} is not "v" and a version, such as v0.1.0.`];
  const url = `git+https://github.com/${repository}.git`;
  const faults = Object.entries(manifests).flatMap(([path, manifest]) => [
    ...(manifest.version === version
      ? []
      : [`${path} has version ${manifest.version}; the tag says ${version}.`]),
    ...(manifest.repository?.url === url
      ? []
      : [`${path} needs "repository": {"type":"git","url":"${url}"}.`]),
  ]);
  const dated = new RegExp(`^## ${version.replaceAll('.', '\\.')}, \\d{4}-\\d{2}-\\d{2}$`, 'm');
  return dated.test(changelog)
    ? faults
    : [...faults, `CHANGELOG.md needs the heading "## ${version}, <date>".`];
};
