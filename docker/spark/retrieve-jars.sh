#!/bin/bash
# retrieve-jars.sh LOCK FOLDER: puts the archives of a lock file into a folder, by the Ivy in that folder.
# A line of the lock: sha256 organisation name revision
set -euo pipefail
lock=$1 folder=$2
work=$(mktemp -d)
{
  echo '<ivy-module version="2.0"><info organisation="cdc-features" module="jars"/><configurations><conf name="default"/></configurations><dependencies>'
  while read -r _ org name rev; do
    echo "<dependency org=\"$org\" name=\"$name\" rev=\"$rev\" conf=\"default->default\" transitive=\"false\"/>"
  done <"$lock"
  echo '</dependencies></ivy-module>'
} >"$work/ivy.xml"
echo '<ivysettings><settings defaultResolver="default"/><resolvers>
<ibiblio name="default" m2compatible="true" usepoms="false" useMavenMetadata="false" checkmodified="false" checksums=""/>
</resolvers></ivysettings>' >"$work/settings.xml"
java -jar "$folder"/ivy-*.jar -settings "$work/settings.xml" -cache "$work/cache" -ivy "$work/ivy.xml" \
  -retrieve "$work/jars/[artifact]-[revision].[ext]"
while read -r sum _ name rev; do
  echo "$sum  $work/jars/$name-$rev.jar"
done <"$lock" | sha256sum --check
mv "$work"/jars/*.jar "$folder"
rm -r "$work"
