// The plugin for Android. The app's build supplies Flutter, the Android Gradle plugin and Kotlin.
group = "lp_pack.flutter"
version = "0.1.0"

plugins {
    id("com.android.library")
    id("org.jetbrains.kotlin.android")
}

android {
    namespace = "lp_pack.flutter"
    compileSdk = 36

    defaultConfig {
        minSdk = 24
        externalNativeBuild {
            cmake {
                // The headers of other projects: flutter_bridge/tools/get_dependencies.sh DIR.
                val headers = providers.gradleProperty("lpDependenciesDir")
                    .orElse(providers.environmentVariable("LP_DEPENDENCIES_DIR"))
                headers.orNull?.let { arguments += "-DLP_DEPENDENCIES_DIR=$it" }
                targets += listOf("lp_bridge", "lp_pack_flutter")
            }
        }
        ndk {
            abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64")
        }
        consumerProguardFiles("consumer-rules.pro")
    }

    externalNativeBuild {
        cmake {
            path = file("src/main/cpp/CMakeLists.txt")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
    kotlinOptions {
        jvmTarget = JavaVersion.VERSION_17.toString()
    }
}

dependencies {
    // liblp_bridge opens its libonnxruntime.so when a bundle is opened.
    implementation("com.microsoft.onnxruntime:onnxruntime-android:1.22.0")
}
