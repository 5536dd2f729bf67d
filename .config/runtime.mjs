// Loaded before everything else by `node --import`: an old Node would fail further on with a message that helps nobody.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Ashlar needs Node 22.18 or newer, and this is ${process.versions.node}: run "npm ci" without --omit=optional, which brings Node 26 along, or install a newer Node.`,
  );
  process.exit(1);
}
