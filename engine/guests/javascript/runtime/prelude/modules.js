// ES modules: the component's own files by relative path, and functions of other components by interface name.

import { inspect } from "runtime:native";
import { ask } from "runtime:host";
import { exportsOf } from "runtime:imports";

let sources = new Map();
let isDescribing = false;
// Who imports a file first, for messages.
const importers = new Map();

export function setFiles(files) {
  sources = new Map(files.map(({ path, text }) => [path, text]));
}

export function isRelative(specifier) {
  return specifier.startsWith("./") || specifier.startsWith("../");
}

export function normalize(base, specifier) {
  if (!isRelative(specifier)) {
    if (!specifier.includes(":") || specifier.startsWith("runtime:")) {
      throw new TypeError(
        `${base} imports '${specifier}', which is no file and no interface: write './file.js' for a file of this ` +
          `component, or 'namespace:package/interface' for functions of another component`,
      );
    }
    return specifier;
  }
  const parts = base.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.length === 0) {
        throw new TypeError(`${base} imports '${specifier}', which leaves the folder of the deployment file`);
      }
      parts.pop();
    } else if (part !== "." && part !== "") {
      parts.push(part);
    }
  }
  const path = parts.join("/");
  if (!importers.has(path)) {
    importers.set(path, base);
  }
  return path;
}

export function load(name) {
  const text = sources.get(name);
  if (text !== undefined) {
    return text;
  }
  if (!name.includes(":")) {
    const found = isDescribing ? ask("file", { path: name }).text : null;
    if (found === null) {
      throw new Error(`${importers.get(name)} imports ${name}, which does not exist`);
    }
    sources.set(name, found);
    return found;
  }
  return isDescribing ? {} : exportsOf(name);
}

// Compiles the files, and tells what they import and which files there are.
export function describe(request) {
  const { files } = JSON.parse(request);
  const main = files[0].path;
  setFiles(files);
  isDescribing = true;
  let modules;
  try {
    modules = inspect(main, files[0].text);
  } catch (error) {
    return JSON.stringify({ problems: [placed(error, main)] });
  }
  const problems = [];
  const own = modules.filter(({ name }) => sources.has(name));
  const entry = own.find(({ name }) => name === main);
  if (!entry.exports.includes("default")) {
    problems.push(`${main}: it has no default export; write export default function ...`);
  }
  const imports = {};
  for (const module of own) {
    for (const name of module.requests) {
      if (!sources.has(name)) {
        imports[name] ??= [];
      }
    }
    for (const [from, name] of module.imports) {
      if (from in imports && !imports[from].includes(name)) {
        imports[from].push(name);
      } else if (sources.has(from) && name !== "*" && !offers(own, from, name)) {
        problems.push(`${module.name}: ${from} has no export named ${name}`);
      }
    }
  }
  if (problems.length > 0) {
    return JSON.stringify({ problems });
  }
  return JSON.stringify({ functions: [], imports, files: [...sources].map(([path, text]) => ({ path, text })) });
}

function offers(modules, from, name, seen = new Set()) {
  if (seen.has(from)) {
    return false;
  }
  seen.add(from);
  const module = modules.find((each) => each.name === from);
  if (module === undefined || module.exports.includes(name)) {
    return true;
  }
  // export * gives everything but the default export on.
  const stars = module.imports.filter(([, what]) => what === "*").map(([other]) => other);
  return name !== "default" && stars.some((other) => offers(modules, other, name, seen));
}

// A mistake in the source has a place; other errors name theirs in the message.
function placed(error, main) {
  if (!(error instanceof SyntaxError)) {
    return error.message.includes(" imports ") ? error.message : `${main}: ${error.message}`;
  }
  const at = /at ([^\s()]+:\d+:\d+)/.exec(error.stack ?? "")?.[1];
  return `${at ?? main}: ${error.name}: ${error.message}`;
}
