// SPDX-License-Identifier: Apache-2.0
//
// The names of parameters that drivers know, from their sources. Data only; read by
// judge_parameters in lint_rules.c, and by who must tell a parameter from a piece of a password.
#include "strings/lint_rows.h"

// MySQL Connector/J 9: com.mysql.cj.conf.PropertyKey, where all but a few of the first are case-
// sensitive and anything else is kept and not looked at. The last ones are of versions 5 to 8:
// strings still have them, and nothing is wrong with that.
#define CONNECTOR_J                                                                                \
    "allowLoadLocalInfile allowLoadLocalInfileInPath allowMultiQueries allowNanAndInf "            \
    "allowPublicKeyRetrieval allowReplicaDownConnections allowSourceDownConnections "              \
    "allowUrlInLocalInfile alwaysSendSetIsolation authenticationOpenidConnectCallbackHandler "     \
    "authenticationPlugins authenticationWebAuthnCallbackHandler autoClosePStmtStreams "           \
    "autoGenerateTestcaseScript autoReconnect autoReconnectForPools autoSlowLog blobsAreStrings "  \
    "blobSendChunkSize cacheCallableStmts cacheDefaultTimeZone cachePrepStmts "                    \
    "cacheResultSetMetadata cacheServerConfiguration callableStmtCacheSize characterEncoding "     \
    "characterSetResults clientCertificateKeyStorePassword clientCertificateKeyStoreType "         \
    "clientCertificateKeyStoreUrl clientInfoProvider clobberStreamingResults "                     \
    "clobCharacterEncoding compensateOnDuplicateKeyUpdateCounts connectionAttributes "             \
    "connectionCollation connectionLifecycleInterceptors connectionTimeZone connectTimeout "       \
    "continueBatchOnError createDatabaseIfNotExist customCharsetMapping databaseTerm "             \
    "defaultAuthenticationPlugin defaultFetchSize detectCustomCollations "                         \
    "disabledAuthenticationPlugins disconnectOnExpiredPasswords dnsSrv "                           \
    "dontCheckOnDuplicateKeyUpdateInSQL dontTrackOpenResources dumpQueriesOnException "            \
    "elideSetAutoCommits emptyStringsConvertToZero emulateLocators emulateUnsupportedPstmts "      \
    "enableEscapeProcessing enablePacketDebug enableQueryTimeouts exceptionInterceptors "          \
    "explainSlowQueries failOverReadOnly fallbackToSystemKeyStore fallbackToSystemTrustStore "     \
    "fipsCompliantJsse forceConnectionTimeZoneToSession functionsNeverReturnBlobs "                \
    "gatherPerfMetrics generateSimpleParameterMetadata getProceduresReturnsFunctions "             \
    "holdResultsOpenOverStatementClose idTokenFile ignoreNonTxTables "                             \
    "includeInnodbStatusInDeadlockExceptions includeThreadDumpInDeadlockExceptions "               \
    "includeThreadNamesAsStatementComment initialTimeout interactiveClient "                       \
    "jdbcCompliantTruncation keyManagerFactoryProvider keyStoreProvider largeRowSizeThreshold "    \
    "ldapServerHostname loadBalanceAutoCommitStatementRegex "                                      \
    "loadBalanceAutoCommitStatementThreshold loadBalanceBlocklistTimeout "                         \
    "loadBalanceConnectionGroup loadBalanceExceptionChecker loadBalanceHostRemovalGracePeriod "    \
    "loadBalancePingTimeout loadBalanceSQLExceptionSubclassFailover loadBalanceSQLStateFailover "  \
    "loadBalanceValidateConnectionOnSwapServer localSocketAddress locatorFetchBufferSize logger "  \
    "logSlowQueries logXaCommands maintainTimeStats maxAllowedPacket maxByteArrayAsHex "           \
    "maxQuerySizeToLog maxReconnects maxRows metadataCacheSize netTimeoutForStreamingResults "     \
    "noAccessToProcedureBodies noDatetimeStringSync nullDatabaseMeansCurrent ociConfigFile "       \
    "ociConfigProfile openTelemetry overrideSupportsIntegrityEnhancementFacility "                 \
    "packetDebugBufferSize padCharsWithSpace paranoid password1 password2 password3 "              \
    "passwordCharacterEncoding pedantic pinGlobalTxToPhysicalConnection "                          \
    "populateInsertRowWithDefaultValues prepStmtCacheSize prepStmtCacheSqlLimit "                  \
    "preserveInstants processEscapeCodesForPrepStmts profilerEventHandler profileSQL "             \
    "propertiesTransform queriesBeforeRetrySource queryInfoCacheFactory queryInterceptors "        \
    "queryTimeoutKillsConnection readFromSourceWhenNoReplicas readOnlyPropagatesToServer "         \
    "reconnectAtTxEnd replicationConnectionGroup reportMetricsIntervalMillis requireSSL "          \
    "resourceId resultSetSizeThreshold retriesAllDown rewriteBatchedStatements "                   \
    "rollbackOnPooledClose scrollTolerantForwardOnly secondsBeforeRetrySource "                    \
    "selfDestructOnPingMaxOperations selfDestructOnPingSecondsLifetime sendFractionalSeconds "     \
    "sendFractionalSecondsForTime serverAffinityOrder serverConfigCacheFactory "                   \
    "serverRSAPublicKeyFile sessionVariables slowQueryThresholdMillis slowQueryThresholdNanos "    \
    "socketFactory socketTimeout socksProxyHost socksProxyPort socksProxyRemoteDns "               \
    "sslContextProvider sslMode strictUpdates tcpKeepAlive tcpNoDelay tcpRcvBuf tcpSndBuf "        \
    "tcpTrafficClass tinyInt1isBit tlsCiphersuites tlsVersions traceProtocol trackSessionState "   \
    "transformedBitIsBoolean treatMysqlDatetimeAsTimestamp treatUtilDateAsTimestamp "              \
    "trustCertificateKeyStorePassword trustCertificateKeyStoreType trustCertificateKeyStoreUrl "   \
    "trustManagerFactoryProvider ultraDevHack useAffectedRows useColumnNamesInFindColumn "         \
    "useCompression useConfigs useCursorFetch useHostsInPrivileges useInformationSchema "          \
    "useLocalSessionState useLocalTransactionState useNanosForElapsedTime "                        \
    "useOldAliasMetadataBehavior useOnlyServerErrorMessages useReadAheadInput "                    \
    "useServerPrepStmts useSSL useStreamLengthsInPrepStmts useUnbufferedInput useUsageAdvisor "    \
    "verifyServerCertificate yearIsDateType zeroDateTimeBehavior host port protocol path "         \
    "namedPipePath type address priority dbname cacheDefaultTimezone serverTimezone "              \
    "ha.enableJMX haEnableJMX ha.loadBalanceStrategy haLoadBalanceStrategy "                       \
    "nullCatalogMeansCurrent parseInfoCacheFactory enabledSSLCipherSuites enabledTLSProtocols "    \
    "autoDeserialize useUnicode useLegacyDatetimeCode useJDBCCompliantTimezoneShift "              \
    "useFastDateParsing queriesBeforeRetryMaster secondsBeforeRetryMaster "                        \
    "allowMasterDownConnections allowSlaveDownConnections readFromMasterWhenNoSlaves "             \
    "loadBalanceBlacklistTimeout authenticationFidoCallbackHandler"
const char lint_names_connector_j[] = CONNECTOR_J;
// AWS Advanced JDBC Wrapper: software.amazon.jdbc.PropertyDefinition and its plugins; what else
// there is goes to the driver.
const char lint_names_aws_wrapper[] =
    CONNECTOR_J " wrapperPlugins wrapperProfileName wrapperDialect wrapperTargetDriverDialect "
                "wrapperLoggerLevel wrapperLogUnclosedConnections autoSortWrapperPluginOrder "
                "targetDriverAutoRegister connectionProvider clusterInstanceHostPattern clusterId "
                "clusterTopologyRefreshRateMs enableClusterAwareFailover failoverTimeoutMs "
                "failoverMode failureDetectionEnabled failureDetectionTime iamHost iamRegion "
                "iamDefaultPort iamExpiration secretsManagerSecretId secretsManagerRegion";

// MariaDB Connector/J 3: the fields of org.mariadb.jdbc.Configuration.Builder, in any case
// (mapPropertiesToOption); OptionAliases; handleLegacySslSettings; Configuration.acceptsUrl.
// Anything else is kept and not looked at.
const char lint_names_mariadb_j[] =
    "timezone connectionCollation connectionTimeZone forceConnectionTimeZoneToSession "
    "preserveInstants autocommit useMysqlMetadata nullDatabaseMeansCurrent useCatalogTerm "
    "createDatabaseIfNotExist useLocalSessionState returnMultiValuesGeneratedIds "
    "jdbcCompliantTruncation oldModeNoPrecisionTimestamp permitRedirect transactionIsolation "
    "defaultFetchSize maxQuerySizeToLog maxAllowedPacket geometryDefaultType restrictedAuth "
    "initSql pinGlobalTxToPhysicalConnection permitNoResults socketFactory connectTimeout pipe "
    "localSocket uuidAsString tcpKeepAlive tcpKeepIdle tcpKeepCount tcpKeepInterval "
    "tcpAbortiveClose localSocketAddress socketTimeout useReadAheadInput tlsSocketType sslMode "
    "serverSslCert keyStore trustStore keyStorePassword trustStorePassword keyPassword "
    "keyStoreType trustStoreType enabledSslCipherSuites enabledSslProtocolSuites "
    "fallbackToSystemKeyStore fallbackToSystemTrustStore allowMultiQueries allowLocalInfile "
    "useCompression useAffectedRows useBulkStmts useBulkStmtsForInserts disablePipeline "
    "cachePrepStmts prepStmtCacheSize useServerPrepStmts credentialType sessionVariables "
    "connectionAttributes servicePrincipalName disconnectOnExpiredPasswords blankTableNameMeta "
    "tinyInt1isBit transformedBitIsBoolean yearIsDateType dumpQueriesOnException "
    "includeInnodbStatusInDeadlockExceptions includeThreadDumpInDeadlockExceptions "
    "retriesAllDown galeraAllowedState transactionReplay transactionReplaySize pool poolName "
    "maxPoolSize minPoolSize maxIdleTime registerJmxPool poolValidMinDelay useResetConnection "
    "serverRsaPublicKeyFile allowPublicKeyRetrieval gssCredential haMode "
    "clientCertificateKeyStoreUrl clientCertificateKeyStorePassword "
    "clientCertificateKeyStoreType permitMysqlScheme useSsl trustServerCertificate "
    "disableSslHostnameVerification";

// MySqlConnector: MySqlConnectionStringBuilder.cs, MySqlConnectionStringOption; without blanks,
// which its longer names have. Others throw.
const char lint_names_mysqlconnector[] =
    "LoadBalance ConnectionProtocol Protocol PipeName Pipe SslMode CertificateFile "
    "CertificatePassword CertificateStoreLocation CertificateThumbprint SslCert Ssl-Cert SslKey "
    "Ssl-Key SslCa CACertificateFile Ssl-Ca TlsVersion Tls-Version TlsCipherSuites Pooling "
    "ConnectionLifeTime ConnectionReset DeferConnectionReset ConnectionIdlePingTime "
    "ConnectionIdleTimeout MinimumPoolSize MinPoolSize MaximumPoolSize MaxPoolSize "
    "DnsCheckInterval AllowLoadLocalInfile AllowPublicKeyRetrieval AllowUserVariables "
    "AllowZeroDateTime ApplicationName AutoEnlist CancellationTimeout CharacterSet CharSet "
    "ConnectionTimeout ConnectTimeout ConvertZeroDateTime DateTimeKind DefaultCommandTimeout "
    "CommandTimeout ForceSynchronous GuidFormat IgnoreCommandTransaction IgnorePrepare "
    "InteractiveSession Interactive Keepalive NoBackslashEscapes OldGuids PersistSecurityInfo "
    "Pipelining ServerRedirectionMode ServerRsaPublicKeyFile ServerSPN TreatTinyAsBoolean "
    "UseAffectedRows UseCompression Compress UseXaTransactions";

// MySQL Connector/NET: MySqlBaseConnectionStringBuilder.cs, MySqlConnectionStringBuilder.cs;
// likewise.
const char lint_names_mysql_data[] =
    "Protocol ConnectionProtocol CertificateFile CertificatePassword ssl-ca-pwd "
    "CertificateStoreLocation CertificateThumbprint SslMode Ssl-Mode SslCa Ssl-Ca SslKey Ssl- "
    "Key SslCert Ssl-Cert TlsVersion Tls-Version SshHostName ssh-host-name SshPort ssh-port "
    "SshUserName ssh-user-name SshPassword ssh-password SshKeyFile ssh-key-file SshPassphrase "
    "ssh-pass-phrase Keepalive CharacterSet CharSet DnsSrv dns-srv Pipe PipeName Compress "
    "UseCompression AllowBatch Logging SharedMemoryName DefaultCommandTimeout CommandTimeout "
    "UseDefaultCommandTimeoutForEF ConnectionTimeout ConnectTimeout AllowLoadLocalInfile "
    "AllowLoadLocalInfileInPath PersistSecurityInfo IntegratedSecurity AllowPublicKeyRetrieval "
    "DefaultAuthenticationPlugin OciConfigFile OciConfigProfile KerberosAuthMode "
    "OpenIdIdentityToken Password1 Password2 Password3 pwd1 pwd2 pwd3 AutoEnlist "
    "IncludeSecurityAsserts AllowZeroDateTime ConvertZeroDateTime UseUsageAdvisor UsageAdvisor "
    "ProcedureCacheSize ProcedureCache UsePerformanceMonitor UsePerfMon PerfMon "
    "RespectBinaryFlags TreatTinyAsBoolean AllowUserVariables InteractiveSession Interactive "
    "FunctionsReturnString UseAffectedRows OldGuids SqlServerMode TableCaching TableCache "
    "DefaultTableCacheAge CheckParameters Replication ExceptionInterceptors CommandInterceptors "
    "ConnectionLifeTime Pooling MinPoolSize MinimumPoolSize MaxPoolSize MaximumPoolSize "
    "ConnectionReset CacheServerProperties TreatBlobsAsUTF8 BlobAsUTF8IncludePattern "
    "BlobAsUTF8ExcludePattern";

// MySQL Connector/ODBC: util/installer.cc, dsnparams.
const char lint_names_odbc[] =
    "DSN DRIVER DESCRIPTION PWD1 PASSWORD1 PWD2 PASSWORD2 PWD3 PASSWORD3 INITSTMT OPTION "
    "CHARSET SSLKEY SSL-KEY SSLCERT SSL-CERT SSLCA SSL-CA SSLCAPATH SSL-CAPATH SSLCIPHER SSL- "
    "CIPHER SSLVERIFY RSAKEY SETUP READTIMEOUT WRITETIMEOUT FOUND_ROWS BIG_PACKETS NO_PROMPT "
    "DYNAMIC_CURSOR NO_SCHEMA NO_DEFAULT_CURSOR NO_LOCALE PAD_SPACE FULL_COLUMN_NAMES "
    "COMPRESSED_PROTO IGNORE_SPACE NAMED_PIPE NO_BIGINT NO_CATALOG USE_MYCNF SAFE "
    "NO_TRANSACTIONS LOG_QUERY NO_CACHE FORWARD_CURSOR AUTO_RECONNECT ENABLE_DNS_SRV MULTI_HOST "
    "AUTO_IS_NULL ZERO_DATE_TO_MIN MIN_DATE_TO_ZERO MULTI_STATEMENTS COLUMN_SIZE_S32 "
    "NO_BINARY_RESULT DFLT_BIGINT_BIND_STR INTERACTIVE PREFETCH NO_SSPS CAN_HANDLE_EXP_PWD "
    "ENABLE_CLEARTEXT_PLUGIN GET_SERVER_PUBLIC_KEY SAVEFILE PLUGIN_DIR DEFAULT_AUTH NO_TLS_1_0 "
    "NO_TLS_1_1 NO_TLS_1_2 NO_TLS_1_3 SSLMODE SSL-MODE NO_DATE_OVERFLOW ENABLE_LOCAL_INFILE "
    "LOAD_DATA_LOCAL_DIR OCI_CONFIG_FILE OCI_CONFIG_PROFILE AUTHENTICATION-KERBEROS-MODE TLS- "
    "VERSIONS SSL-CRL SSL-CRLPATH OPENTELEMETRY";

// MariaDB Connector/ODBC: ma_dsn.c, DsnKeys.
const char lint_names_odbc_mariadb[] =
    "DSN DESCRIPTION DRIVER OPTIONS OPTION NamedPipe TCPIP SERVERNAME INITSTMT CONN_TIMEOUT "
    "AUTO_RECONNECT NO_PROMPT CHARSET TRACE PLUGIN_DIR SSLKEY SSLCERT SSLCA SSLCAPATH SSLCIPHER "
    "SSLVERIFY TLSPEERFP TLSPEERFPLIST SSLFP SSLFPLIST SSLCRL SSLCRLPATH SAVEFILE USE_MYCNF "
    "TLSVERSION FORCETLS SERVERKEY TLSKEYPWD INTERACTIVE FORWARDONLY SCHEMANOERROR READ_TIMEOUT "
    "WRITE_TIMEOUT NOLOCALINFILE NULLISCURRENT STREAMRS NO_CACHE";

// Sequelize 7: packages/mysql/src/_internal/connection-options.ts, of which a URL takes texts,
// truths and numbers. Version 6 (src/sequelize.js, the constructor) gives all of the query to the
// driver as texts.
const char lint_names_sequelize[] =
    "charset database host localAddress password password1 password2 password3 passwordSha1 "
    "socketPath ssl user compress trace enableKeepAlive isServer insecureAuth "
    "multipleStatements waitForConnections jsonStrings port connectionLimit connectTimeout "
    "charsetNumber maxIdle queueLimit idleTimeout maxPreparedStatements keepAliveInitialDelay";
